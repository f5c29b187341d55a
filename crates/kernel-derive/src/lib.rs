//! The derive macros of the registries: they emit constants and straight-line code that reads and writes cells, no more.
//! They never look at the types of fields: each type says its kind through `kernel::FieldType`.

mod attrs;
mod emit;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

fn run(input: TokenStream, f: fn(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    f(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Declares fields without a name of their own: rows inside an input, outputs of operations.
#[proc_macro_derive(Fields, attributes(field))]
pub fn fields(input: TokenStream) -> TokenStream {
    run(input, emit::fields)
}

/// Declares an entity; see `kernel::EntityDef` for what the attributes mean.
#[proc_macro_derive(Entity, attributes(entity, field))]
pub fn entity(input: TokenStream) -> TokenStream {
    run(input, emit::entity)
}

/// Declares an operation's input; see `kernel::OpDef` for what the attributes mean.
#[proc_macro_derive(Operation, attributes(operation, field))]
pub fn operation(input: TokenStream) -> TokenStream {
    run(input, emit::operation)
}

/// Declares an event; see `kernel::EventDef` for what the attributes mean.
#[proc_macro_derive(Event, attributes(event, field))]
pub fn event(input: TokenStream) -> TokenStream {
    run(input, emit::event)
}
