//! Reads attributes such as `#[field(unique, check = "discount >= 0")]` into name–value pairs.

use proc_macro2::Span;
use syn::{
    Attribute, Expr, Ident, Lit, Meta, Result, Token,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token,
};

/// What stands after a name: nothing, `= expression`, or `(a, b = c)`.
pub enum Value {
    Flag,
    Expr(Box<Expr>),
    List(Vec<Item>),
}

/// One name with its value.
pub struct Item {
    pub name: Ident,
    pub value: Value,
}

impl Parse for Item {
    fn parse(input: ParseStream) -> Result<Self> {
        let name: Ident = input.call(syn::ext::IdentExt::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::Expr(Box::new(input.parse()?))
        } else if input.peek(token::Paren) {
            let inner;
            syn::parenthesized!(inner in input);
            Value::List(Punctuated::<Item, Token![,]>::parse_terminated(&inner)?.into_iter().collect())
        } else {
            Value::Flag
        };
        Ok(Self { name, value })
    }
}

/// All items of the attributes with this name.
pub fn items(attributes: &[Attribute], name: &str) -> Result<Vec<Item>> {
    let mut all = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident(name)) {
        if matches!(attribute.meta, Meta::Path(_)) {
            continue;
        }
        all.extend(attribute.parse_args_with(Punctuated::<Item, Token![,]>::parse_terminated)?);
    }
    Ok(all)
}

/// The doc comment, its lines joined.
pub fn doc(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("doc")) {
        if let Meta::NameValue(pair) = &attribute.meta
            && let Expr::Lit(literal) = &pair.value
            && let Lit::Str(line) = &literal.lit
        {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(line.value().trim());
        }
    }
    text.trim().to_owned()
}

impl Item {
    /// The value as a text: `"x"` or a bare path `x`.
    pub fn text(&self) -> Result<String> {
        match &self.value {
            // A literal that comes through a macro is wrapped in a group.
            Value::Expr(expr) => match ungrouped(expr) {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => Ok(text.value()),
                    Lit::Int(number) => Ok(number.base10_digits().to_owned()),
                    Lit::Bool(value) => Ok(value.value.to_string()),
                    _ => Err(self.error("wants a text")),
                },
                Expr::Path(path) => Ok(path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default()),
                _ => Err(self.error("wants a text")),
            },
            _ => Err(self.error("wants a value: name = \"…\"")),
        }
    }
    /// The value as an expression.
    pub fn expr(&self) -> Result<&Expr> {
        match &self.value {
            Value::Expr(expr) => Ok(expr),
            _ => Err(self.error("wants a value")),
        }
    }
    /// The items in parentheses.
    pub fn list(&self) -> Result<&[Item]> {
        match &self.value {
            Value::List(items) => Ok(items),
            _ => Err(self.error("wants items in parentheses")),
        }
    }
    /// An error at this item.
    pub fn error(&self, text: &str) -> syn::Error {
        syn::Error::new(self.name.span(), format!("`{}` {text}", self.name))
    }
}

fn ungrouped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => ungrouped(&group.expr),
        other => other,
    }
}

/// An error with no better place.
pub fn error(text: &str) -> syn::Error {
    syn::Error::new(Span::call_site(), text)
}
