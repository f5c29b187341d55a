//! Emits the code.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Expr, Field, Fields, Result};

use crate::attrs::{self, Item, Value};

fn named(input: &DeriveInput) -> Result<Vec<&Field>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields.named.iter().collect()),
            Fields::Unit => Ok(Vec::new()),
            Fields::Unnamed(_) => Err(attrs::error("fields need names")),
        },
        _ => Err(attrs::error("only structs can be declared")),
    }
}

fn field_def(field: &Field) -> Result<TokenStream> {
    let ident = field.ident.as_ref().ok_or_else(|| attrs::error("fields need names"))?;
    let name = ident.to_string().trim_start_matches("r#").to_owned();
    let ty = &field.ty;
    let help = attrs::doc(&field.attrs);
    let mut sets = Vec::new();
    for item in attrs::items(&field.attrs, "field")? {
        let key = &item.name;
        sets.push(match (key.to_string().as_str(), &item.value) {
            (
                "unique" | "indexed" | "sorted" | "searchable" | "read_only" | "by_operation" | "tracked" | "required",
                Value::Flag,
            ) => quote!(def.#key = true;),
            ("label" | "sensitive" | "role", _) => {
                let text = item.text()?;
                quote!(def.#key = #text;)
            }
            ("default" | "check", _) => {
                let text = item.text()?;
                quote!(def.#key = Some(#text);)
            }
            ("max", _) => {
                let value = item.expr()?;
                quote!(def.max = #value;)
            }
            _ => return Err(item.error("is not known for a field")),
        });
    }
    Ok(quote! {{
        #[allow(unused_mut)]
        let mut def = ::kernel::FieldDef::BASE;
        def.name = #name;
        def.help = #help;
        def.kind = <#ty as ::kernel::FieldType>::KIND;
        def.required = <#ty as ::kernel::FieldType>::REQUIRED;
        #(#sets)*
        def
    }})
}

pub fn fields(input: &DeriveInput) -> Result<TokenStream> {
    let ident = &input.ident;
    let all = named(input)?;
    let defs = all.iter().map(|f| field_def(f)).collect::<Result<Vec<_>>>()?;
    let count = defs.len();
    let names: Vec<_> = all.iter().filter_map(|f| f.ident.as_ref()).collect();
    let types: Vec<_> = all.iter().map(|f| &f.ty).collect();
    let build = if matches!(&input.data, Data::Struct(d) if matches!(d.fields, Fields::Unit)) {
        quote!(Ok(Self))
    } else {
        quote!(Ok(Self { #(#names: <#types as ::kernel::FieldType>::get(reader)?),* }))
    };
    Ok(quote! {
        impl ::kernel::Fields for #ident {
            fn fields() -> &'static [::kernel::FieldDef] {
                static FIELDS: [::kernel::FieldDef; #count] = [#(#defs),*];
                &FIELDS
            }
            #[allow(unused_variables)]
            fn read(reader: &mut ::kernel::Reader<'_>) -> ::kernel::Result<Self> { #build }
            #[allow(unused_variables)]
            fn write(&self, cells: &mut ::std::vec::Vec<::kernel::Value>) {
                #(<#types as ::kernel::FieldType>::put(&self.#names, cells);)*
            }
        }
    })
}

fn names_of(item: &Item) -> Result<Vec<String>> {
    Ok(item.list()?.iter().map(|i| i.name.to_string()).collect())
}

pub fn entity(input: &DeriveInput) -> Result<TokenStream> {
    let base = fields(input)?;
    let ident = &input.ident;
    let help = attrs::doc(&input.attrs);
    let (mut sets, mut uniques, mut indexes, mut lines, mut many, mut checks) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut name, mut plain) = (None, false);
    for item in attrs::items(&input.attrs, "entity")? {
        let key = &item.name;
        match (key.to_string().as_str(), &item.value) {
            ("name", _) => name = Some(item.text()?),
            ("plain", Value::Flag) => plain = true,
            ("append_only" | "by_operation" | "kept" | "shared" | "steady", Value::Flag) => {
                sets.push(quote!(#key: true))
            }
            (
                "label" | "plural" | "title" | "status" | "owner" | "read" | "write" | "delete" | "frozen_when"
                | "area",
                _,
            ) => {
                let text = item.text()?;
                sets.push(quote!(#key: #text));
            }
            ("check", _) => {
                let text = item.text()?;
                checks.push(quote!(#text));
            }
            ("unique", _) => {
                let names = names_of(&item)?;
                uniques.push(quote!(&[#(#names),*]));
            }
            ("indexed", _) => {
                let names = names_of(&item)?;
                indexes.push(quote!(&[#(#names),*]));
            }
            // lines(lines = "sales.order_line.order"): name, entity of the lines, field that names the owner.
            ("lines", _) => {
                for one in item.list()? {
                    let (line, path) = (one.name.to_string(), one.text()?);
                    let (entity, by) =
                        path.rsplit_once('.').ok_or_else(|| one.error("wants \"module.entity.field\""))?;
                    lines.push(quote!(::kernel::LinesDef { name: #line, entity: #entity, by: #by }));
                }
            }
            ("many", _) => {
                for one in item.list()? {
                    let (relation, to) = (one.name.to_string(), one.text()?);
                    many.push(quote!(::kernel::ManyDef { name: #relation, to: #to }));
                }
            }
            _ => return Err(item.error("is not known for an entity")),
        }
    }
    let name = name.ok_or_else(|| attrs::error("an entity needs name = \"module.entity\""))?;
    let rules = if plain { quote!(impl ::kernel::Rules for #ident {}) } else { quote!() };
    Ok(quote! {
        #base
        impl ::kernel::Entity for #ident {
            const NAME: &'static str = #name;
            fn def() -> &'static ::kernel::EntityDef {
                static FIELDS: ::std::sync::OnceLock<::kernel::EntityDef> = ::std::sync::OnceLock::new();
                FIELDS.get_or_init(|| ::kernel::EntityDef {
                    name: #name,
                    help: #help,
                    fields: <#ident as ::kernel::Fields>::fields(),
                    uniques: &[#(#uniques),*],
                    indexes: &[#(#indexes),*],
                    lines: &[#(#lines),*],
                    many: &[#(#many),*],
                    checks: &[#(#checks),*],
                    #(#sets,)*
                    ..::kernel::EntityDef::BASE
                })
            }
        }
        #rules
    })
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

pub fn operation(input: &DeriveInput) -> Result<TokenStream> {
    let base = fields(input)?;
    let ident = &input.ident;
    let help = attrs::doc(&input.attrs);
    let (mut sets, mut name, mut on, mut target, mut when) = (Vec::new(), None, None, None, quote!(&[]));
    for item in attrs::items(&input.attrs, "operation")? {
        let key = &item.name;
        match (key.to_string().as_str(), &item.value) {
            ("name", _) => name = Some(item.text()?),
            ("on", _) => {
                let Expr::Path(path) = item.expr()? else { return Err(item.error("wants an entity's type")) };
                target.get_or_insert(snake(&item.text()?));
                on = Some(path.clone());
            }
            ("target", _) => target = Some(item.text()?),
            ("when", _) => {
                let Expr::Array(array) = item.expr()? else { return Err(item.error("wants [State::A, State::B]")) };
                let values = array.elems.iter();
                when = quote!(&[#((#values).value()),*]);
            }
            ("makes", _) => {
                let state = item.expr()?;
                sets.push(quote!(makes: (#state).value()));
            }
            ("read" | "always_check" | "person_only" | "dangerous" | "file" | "public", Value::Flag) => {
                sets.push(quote!(#key: true));
            }
            ("label" | "allow" | "inverse" | "no_inverse" | "area", _) => {
                let text = item.text()?;
                sets.push(quote!(#key: #text));
            }
            ("button", _) => {
                let value = item.expr()?;
                sets.push(quote!(button: #value));
            }
            _ => return Err(item.error("is not known for an operation")),
        }
    }
    let name = name.ok_or_else(|| attrs::error("an operation needs name = \"module.entity.verb\""))?;
    let (on, target) = match on {
        Some(path) => (quote!(<#path as ::kernel::Entity>::NAME), target.unwrap_or_default()),
        None => (quote!(""), String::new()),
    };
    if !target.is_empty() && !named(input)?.iter().any(|f| f.ident.as_ref().is_some_and(|i| *i == target)) {
        return Err(attrs::error(&format!("no field `{target}` names the record; say target = …")));
    }
    let target_id = if target.is_empty() {
        quote!(0)
    } else {
        let field = syn::Ident::new(&target, ident.span());
        quote!(::kernel::Target::target_id(&self.#field))
    };
    Ok(quote! {
        #base
        impl ::kernel::Operation for #ident {
            fn target_id(&self) -> i64 { #target_id }
            const NAME: &'static str = #name;
            const DEF: ::kernel::OpDef = ::kernel::OpDef {
                name: #name,
                help: #help,
                on: #on,
                target: #target,
                when: #when,
                #(#sets,)*
                ..::kernel::OpDef::BASE
            };
        }
    })
}

pub fn event(input: &DeriveInput) -> Result<TokenStream> {
    let base = fields(input)?;
    let ident = &input.ident;
    let help = attrs::doc(&input.attrs);
    let (mut name, mut subject) = (None, String::new());
    for item in attrs::items(&input.attrs, "event")? {
        match item.name.to_string().as_str() {
            "name" => name = Some(item.text()?),
            "subject" => subject = item.text()?,
            _ => return Err(item.error("is not known for an event")),
        }
    }
    let name = name.ok_or_else(|| attrs::error("an event needs name = \"module.entity.past_tense\""))?;
    Ok(quote! {
        #base
        impl ::kernel::Event for #ident {
            const NAME: &'static str = #name;
            const DEF: ::kernel::EventDef = ::kernel::EventDef {
                name: #name,
                help: #help,
                fields: <#ident as ::kernel::Fields>::fields,
                subject: #subject,
            };
        }
    })
}
