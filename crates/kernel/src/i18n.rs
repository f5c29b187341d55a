//! Labels and messages in a person's language. English labels come from the declarations, everything else from catalogues.

use lang::Language;
use serde_json::{Value as J, json};

use crate::{
    def::{EntityDef, OpDef},
    error::{Arg, Error, FieldError},
    field::{ChoiceSet, FieldDef},
    schema::Schema,
};

/// `order_line` → `Order line`.
pub fn humanize(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name).trim_start_matches("x_").replace('_', " ");
    let words = last.split(' ').enumerate().map(|(at, word)| match word {
        "api" | "bpmn" | "csv" | "iban" | "id" | "pdf" | "url" | "vat" | "xml" => word.to_uppercase(),
        "no" if at > 0 => "no.".to_owned(),
        _ => word.to_owned(),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn plural_of(label: &str) -> String {
    let consonant_y = label.ends_with('y') && !["ay", "ey", "oy", "uy"].iter().any(|e| label.ends_with(e));
    if consonant_y {
        format!("{}ies", &label[..label.len() - 1])
    } else if ["s", "x", "ch", "sh"].iter().any(|e| label.ends_with(e)) {
        format!("{label}es")
    } else {
        format!("{label}s")
    }
}

impl Schema {
    fn found(&self, language: Language, key: &str) -> Option<String> {
        if let Some(text) = self.custom_labels.get(&(language, key.to_owned())) {
            return Some(text.clone());
        }
        self.catalogue.get(language, key).map(str::to_owned)
    }
    fn or_made(&self, language: Language, keys: &[&str], made: impl Fn() -> String) -> String {
        keys.iter()
            .find_map(|key| self.found(language, key))
            .or_else(|| keys.iter().find_map(|key| self.custom_labels.get(&(Language::En, (*key).to_owned())).cloned()))
            .unwrap_or_else(made)
    }
    /// Label of an entity.
    pub fn entity_label(&self, language: Language, def: &EntityDef) -> String {
        self.or_made(language, &[&format!("{}.label", def.name)], || {
            if def.label.is_empty() { humanize(def.name) } else { def.label.to_owned() }
        })
    }
    /// Plural of an entity's label.
    pub fn entity_plural(&self, language: Language, def: &EntityDef) -> String {
        self.or_made(language, &[&format!("{}.plural", def.name)], || {
            if def.plural.is_empty() { plural_of(&self.entity_label(Language::En, def)) } else { def.plural.to_owned() }
        })
    }
    /// Help of an entity or operation.
    pub fn help(&self, language: Language, name: &str, english: &str) -> String {
        self.or_made(language, &[&format!("{name}.help")], || english.to_owned())
    }
    /// Label of a field; `owner` is the entity, operation or event.
    pub fn field_label(&self, language: Language, owner: &str, field: &FieldDef) -> String {
        self.or_made(language, &[&format!("{owner}.fields.{}", field.name), &format!("fields.{}", field.name)], || {
            if field.label.is_empty() { humanize(field.name) } else { field.label.to_owned() }
        })
    }
    /// Help of a field.
    pub fn field_help(&self, language: Language, owner: &str, field: &FieldDef) -> String {
        self.or_made(language, &[&format!("{owner}.helps.{}", field.name), &format!("helps.{}", field.name)], || {
            field.help.to_owned()
        })
    }
    /// Label of an operation.
    pub fn operation_label(&self, language: Language, def: &OpDef) -> String {
        self.or_made(language, &[&format!("{}.label", def.name)], || {
            if def.label.is_empty() { humanize(def.name) } else { def.label.to_owned() }
        })
    }
    /// Label of a choice's value.
    pub fn choice_label(&self, language: Language, set: &ChoiceSet, value: &str) -> String {
        self.or_made(language, &[&format!("choice.{}.{value}", set.name)], || humanize(value))
    }
    /// A message by key, with arguments.
    pub fn message(&self, language: Language, key: &str, args: &[(&str, Arg)]) -> String {
        let args: Vec<(&str, lang::Arg)> = args.iter().map(|(name, arg)| (*name, self.arg(language, arg))).collect();
        self.catalogue.message(language, key, &args)
    }

    fn arg(&self, language: Language, arg: &Arg) -> lang::Arg {
        match arg {
            Arg::Text(text) => lang::Arg::Text(text.clone()),
            Arg::Key(key) => lang::Arg::Text(self.label_by_key(language, key)),
            Arg::Int(value) => lang::Arg::Int(*value),
            Arg::Dec(raw, scale) => lang::Arg::Text(lang::quantity(language, *raw, *scale)),
            Arg::Money(money) => lang::Arg::money(money.minor, money.currency.exponent(), money.currency.code()),
            Arg::Date(day) => lang::Arg::Date(*day),
        }
    }

    /// The text under a key; labels of entities, operations and choices are made where the catalogue has none.
    pub fn label_by_key(&self, language: Language, key: &str) -> String {
        if let Some(text) = self.found(language, key) {
            return text;
        }
        if let Some(name) = key.strip_suffix(".label") {
            if let Some(plan) = self.plans.get(name) {
                return self.entity_label(language, &plan.def);
            }
            if let Some(entry) = self.operations.get(name) {
                return self.operation_label(language, (entry.def)());
            }
        }
        self.found(Language::En, key).unwrap_or_else(|| humanize(key))
    }

    fn code_message(&self, language: Language, code: &str, args: &[(&'static str, Arg)]) -> String {
        let key = format!("error.{code}");
        if self.catalogue.get(Language::En, &key).is_some() {
            self.message(language, &key, args)
        } else {
            humanize(code)
        }
    }

    /// The message of an error.
    pub fn error_message(&self, language: Language, error: &Error) -> String {
        if error.code == "invalid" && error.errors.len() == 1 {
            return self.field_message(language, &error.errors[0]);
        }
        self.code_message(language, &error.code, &error.args)
    }
    /// The message of one wrong field.
    pub fn field_message(&self, language: Language, error: &FieldError) -> String {
        self.code_message(language, &error.code, &error.args)
    }

    /// An error as a problem document (RFC 9457).
    pub fn problem(&self, language: Language, error: &Error, request: &str) -> J {
        let errors: Vec<J> = error
            .errors
            .iter()
            .map(|e| json!({"field": e.field, "code": e.code, "message": self.field_message(language, e)}))
            .collect();
        let actions: Vec<J> = error
            .actions
            .iter()
            .map(|a| {
                let label = match &a.label {
                    Some(key) => self.message(language, key, &a.args),
                    None => self.label_by_key(language, &format!("{}.label", a.operation)),
                };
                json!({"operation": a.operation, "label": label, "input": a.input})
            })
            .collect();
        let needs: Vec<J> = error
            .needs
            .iter()
            .map(|n| {
                json!({
                    "what": {"entity": n.what.entity, "id": n.what.id},
                    "quantity": crate::value::decimal_text(i128::from(n.quantity.raw()), 6),
                    "place": n.place.map(|p| json!({"entity": p.entity, "id": p.id})),
                })
            })
            .collect();
        let title = self.message(language, &format!("status.{}", error.status), &[]);
        json!({
            "type": format!("/api/docs#errors/{}", error.code),
            "title": title,
            "status": error.status,
            "detail": self.error_message(language, error),
            "code": error.code,
            "errors": errors,
            "needs": needs,
            "actions": actions,
            "request": request,
        })
    }
}
