//! All that a client needs to draw screens for one person: areas, entities, fields, operations and views, in a language and
//! cut down to that person's rights.

use std::collections::BTreeMap;

use lang::Language;
use serde_json::{Map, Value as J, json};

use crate::{
    access::{Principal, Right},
    def::{EntityDef, LinesDef, ManyDef, OpDef},
    engine::Kernel,
    error::Result,
    field::{FieldDef, Kind},
    i18n::humanize,
    plan::Plan,
    query,
    schema::Schema,
    view::Views,
};

/// Areas of the navigation in their order; others follow, settings come last.
const AREAS: &[&str] = &["customers", "sales", "goods", "production", "money", "people", "processes", "insight"];

impl Kernel {
    /// The meta of the interface for a person, in a language.
    ///
    /// # Errors
    /// For view files that name what does not exist.
    pub fn meta(&self, who: &Principal, language: Language) -> Result<J> {
        let schema = self.schema();
        let views = Views::load(&schema)?;
        let teller = Teller { schema: &schema, views: &views, who, language };
        let mut entities = Map::new();
        for plan in schema.plans.values().filter(|p| teller.may(&p.def, Right::Read)) {
            entities.insert(plan.def.name.to_owned(), teller.entity(plan));
        }
        let mut operations = Map::new();
        for def in schema.modules.iter().flat_map(|m| m.operations).map(|o| (o.def)()).filter(|d| who.may_call(d)) {
            operations.insert(def.name.to_owned(), teller.operation(def));
        }
        let languages: Vec<J> =
            [Language::Cs, Language::En].into_iter().map(|l| json!({"code": l.code(), "name": l.name()})).collect();
        let roles: Vec<J> = match self.directory() {
            Ok(directory) => {
                let nobody = std::sync::Arc::new(Principal::system(std::sync::Arc::default()));
                let labels = self.read(&nobody, |cx| directory.roles(language, cx))?;
                labels.into_iter().map(|(code, label)| json!({"code": code, "label": label})).collect()
            }
            Err(_) => Vec::new(),
        };
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "user": {
                "id": who.user,
                "login": who.login,
                "name": who.name,
                "language": who.language.code(),
                "roles": who.roles,
            },
            "company": {
                "id": who.company.id,
                "name": who.company.name,
                "currency": who.company.currency.code(),
                "time_zone": who.company.time_zone.iana_name().unwrap_or("UTC"),
                "language": who.company.language.code(),
                "demo": who.company.demo,
            },
            "languages": languages,
            "roles": roles,
            "areas": teller.areas(),
            "entities": entities,
            "operations": operations,
        }))
    }
}

struct Teller<'a> {
    schema: &'a Schema,
    views: &'a Views,
    who: &'a Principal,
    language: Language,
}

impl Teller<'_> {
    fn may(&self, def: &EntityDef, right: Right) -> bool {
        query::may(self.schema, self.who, def, right)
    }

    fn areas(&self) -> Vec<J> {
        // What stands in an area: entities, and read operations with a page of their own.
        let mut found: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
        let compiled = self.schema.modules.iter().flat_map(|m| m.entities).map(|e| (e.def)().name);
        let all = compiled.chain(self.schema.plans.values().filter(|p| p.entry.is_none()).map(|p| p.def.name));
        for plan in all.filter_map(|name| self.schema.plans.get(name)) {
            let shown = plan.entry.is_none() || self.views.views.contains_key(plan.def.name);
            if shown && !plan.def.area.is_empty() && self.may(&plan.def, Right::Read) {
                found.entry(plan.def.area).or_default()[0].push(plan.def.name);
            }
        }
        // A read operation for which nothing must be said is a page of its own.
        for def in self.schema.modules.iter().flat_map(|m| m.operations).map(|o| (o.def)()) {
            if def.read && !def.area.is_empty() && self.who.may_call(def) {
                found.entry(def.area).or_default()[1].push(def.name);
            }
        }
        let place = |area: &str| match area {
            "settings" => usize::MAX,
            other => AREAS.iter().position(|a| *a == other).unwrap_or(AREAS.len()),
        };
        let mut areas: Vec<_> = found.into_iter().collect();
        areas.sort_by_key(|(area, _)| place(area));
        areas
            .into_iter()
            .map(|(area, [entities, operations])| {
                let label = self.schema.label_by_key(self.language, &format!("area.{area}"));
                json!({"key": area, "label": label, "entities": entities, "operations": operations})
            })
            .collect()
    }

    fn visible(&self, plan: &Plan, name: &str) -> bool {
        name == "id"
            || plan.field(name).is_some_and(|f| self.who.may_see(f))
            || plan.def.many.iter().any(|m| m.name == name)
    }

    fn entity(&self, plan: &Plan) -> J {
        let def = &plan.def;
        let typed = !def.append_only && !def.by_operation;
        let write = typed && self.may(def, Right::Write);
        let mut fields: Vec<J> = plan
            .fields
            .iter()
            .filter(|f| self.who.may_see(f))
            .map(|f| field_json(self.schema, self.language, def.name, f, Some(def)))
            .collect();
        fields.extend(def.many.iter().map(|m| self.many(def.name, m)));
        let lines: Vec<J> = def.lines.iter().map(|l| self.lines(def.name, l)).collect();
        let operations: Vec<&str> = self.operations_on(def.name).map(|d| d.name).collect();
        json!({
            "label": self.schema.entity_label(self.language, def),
            "plural": self.schema.entity_plural(self.language, def),
            "help": self.schema.help(self.language, def.name, def.help),
            "title": text_or_null(def.title),
            "status": text_or_null(def.status),
            "append_only": def.append_only,
            "rights": {
                "read": true,
                "create": write && def.owner.is_empty(),
                "write": write,
                "delete": typed && self.may(def, Right::Delete),
            },
            "fields": fields,
            "lines": lines,
            "operations": operations,
            "view": self.view(plan),
            "panels": self.panels(def.name),
        })
    }

    fn operations_on(&self, entity: &str) -> impl Iterator<Item = &'static OpDef> {
        self.schema.operations_on(entity).into_iter().filter(|d| self.who.may_call(d))
    }

    fn part_label(&self, entity: &str, group: &str, name: &str) -> String {
        let keys = [
            format!("{entity}.{group}.{name}"),
            format!("{entity}.fields.{name}"),
            format!("{group}.{name}"),
            format!("fields.{name}"),
        ];
        let found = keys.iter().find_map(|key| self.schema.catalogue.get(self.language, key));
        found.map_or_else(|| humanize(name), str::to_owned)
    }

    fn many(&self, entity: &str, many: &ManyDef) -> J {
        json!({
            "name": many.name,
            "label": self.part_label(entity, "many", many.name),
            "help": "",
            "kind": "many",
            "to": many.to,
            "required": false,
            "by_operation": false,
            "read_only": false,
            "default": null,
            "role": null,
            "scale": null,
            "max": null,
            "choices": null,
            "sorted": false,
            "searchable": false,
            "custom": false,
        })
    }

    fn lines(&self, entity: &str, lines: &LinesDef) -> J {
        let label = self.part_label(entity, "lines", lines.name);
        json!({"name": lines.name, "label": label, "entity": lines.entity, "by": lines.by})
    }

    fn operation(&self, def: &OpDef) -> J {
        let fields = |fields: &[FieldDef]| -> Vec<J> {
            fields.iter().map(|f| field_json(self.schema, self.language, def.name, f, None)).collect()
        };
        let mut told = json!({
            "label": self.schema.operation_label(self.language, def),
            "help": self.schema.help(self.language, def.name, def.help),
            "on": text_or_null(def.on),
            "target": text_or_null(def.target),
            "when": def.when,
            "makes": text_or_null(def.makes),
            "read": def.read,
            "dangerous": def.dangerous,
            "inverse": text_or_null(def.inverse),
            "file": def.file,
            "input": fields((def.input)()),
            "output": fields((def.output)()),
        });
        if def.button > 0 {
            told["button"] = J::from(def.button);
        }
        told
    }

    /// The text of a view file under a key, in Czech under `KEY_cs`.
    fn said(&self, json: &J, key: &str) -> Option<String> {
        let czech = (self.language == Language::Cs).then(|| json.get(format!("{key}_cs"))).flatten();
        czech.or_else(|| json.get(key)).and_then(J::as_str).map(str::to_owned)
    }

    fn labelled(&self, json: &J) -> String {
        let key = json.get("key").and_then(J::as_str).unwrap_or("");
        self.said(json, "label").unwrap_or_else(|| humanize(key))
    }

    fn names(&self, plan: &Plan, list: Option<&J>) -> Vec<J> {
        let items = list.and_then(J::as_array).into_iter().flatten();
        items.filter(|name| name.as_str().is_some_and(|n| self.visible(plan, n))).cloned().collect()
    }

    fn view(&self, plan: &Plan) -> J {
        let empty = json!({});
        let view = self.views.views.get(plan.def.name).unwrap_or(&empty);
        let list = match view.get("list").and_then(J::as_array) {
            Some(columns) => columns
                .iter()
                .map(|c| if c.is_string() { json!({"field": c}) } else { c.clone() })
                .filter(|c| c["field"].as_str().is_some_and(|name| self.visible(plan, name)))
                .collect(),
            None => self.fallback_list(plan),
        };
        let card = match view.get("card").and_then(J::as_object) {
            Some(card) => {
                let shown = card.iter().filter(|(_, v)| v.as_str().is_some_and(|name| self.visible(plan, name)));
                J::Object(shown.map(|(k, v)| (k.clone(), v.clone())).collect())
            }
            None => self.fallback_card(plan),
        };
        let sections: Vec<J> = match view.get("sections").and_then(J::as_array) {
            Some(sections) => sections
                .iter()
                .map(|s| json!({"key": s["key"], "label": self.labelled(s), "fields": self.names(plan, s.get("fields"))}))
                .collect(),
            None => self.fallback_sections(plan),
        };
        let mut more = self.names(plan, view.get("more"));
        // Fields defined at run time are shown without anybody changing the view file.
        let custom = plan.fields.iter().filter(|f| f.custom && plan.entry.is_some() && self.who.may_see(f));
        for field in custom.filter(|f| !mentions(&sections, &more, f.name)).collect::<Vec<_>>() {
            more.push(J::from(field.name));
        }
        let operations: Vec<&str> = match view.get("operations").and_then(J::as_array) {
            Some(names) => names
                .iter()
                .filter_map(J::as_str)
                .filter(|n| self.schema.operations.get(n).is_some_and(|e| self.who.may_call((e.def)())))
                .collect(),
            None => self.operations_on(plan.def.name).filter(|d| d.button > 0).map(|d| d.name).collect(),
        };
        let filters: Vec<J> = view
            .get("filters")
            .and_then(J::as_array)
            .into_iter()
            .flatten()
            .map(|f| json!({"key": f["key"], "label": self.labelled(f), "filter": f["filter"]}))
            .collect();
        json!({
            "list": list,
            "card": card,
            "sections": sections,
            "more": more,
            "lines": self.view_lines(plan, view),
            "operations": operations,
            "filters": filters,
            "sort": view.get("sort").and_then(J::as_str).unwrap_or("-id"),
            "group": view.get("group").cloned().unwrap_or(J::Null),
            "empty": self.said(view, "empty"),
        })
    }

    fn view_lines(&self, plan: &Plan, view: &J) -> Map<String, J> {
        let mut out = Map::new();
        for def in plan.def.lines {
            let Some(line) = self.schema.plans.get(def.entity) else { continue };
            let columns = match view.get("lines").and_then(|l| l.get(def.name)) {
                Some(columns) => {
                    let names: Vec<J> =
                        columns.as_array().into_iter().flatten().map(|c| c.get("field").unwrap_or(c).clone()).collect();
                    self.names(line, Some(&J::Array(names)))
                }
                None => {
                    let shown = line.fields.iter().filter(|f| f.name != def.by && self.who.may_see(f));
                    shown.map(|f| J::from(f.name)).collect()
                }
            };
            out.insert(def.name.to_owned(), J::Array(columns));
        }
        out
    }

    fn fallback_list(&self, plan: &Plan) -> Vec<J> {
        let first = [plan.def.title, plan.def.status].into_iter().filter(|n| !n.is_empty());
        let rest = plan
            .fields
            .iter()
            .filter(|f| !matches!(f.kind, Kind::LongText | Kind::Json | Kind::List(_) | Kind::File))
            .map(|f| f.name);
        let mut names: Vec<&str> = Vec::new();
        for name in first.chain(rest).filter(|n| self.visible(plan, n)) {
            if !names.contains(&name) && names.len() < 6 {
                names.push(name);
            }
        }
        names.iter().enumerate().map(|(i, name)| json!({"field": name, "priority": i + 1})).collect()
    }

    fn fallback_card(&self, plan: &Plan) -> J {
        let mut card = Map::new();
        let of_kind = |wanted: fn(&Kind) -> bool| plan.fields.iter().find(|f| wanted(&f.kind)).map_or("", |f| f.name);
        let parts = [
            ("title", plan.def.title),
            ("badge", plan.def.status),
            ("amount", of_kind(|k| matches!(k, Kind::Money))),
            ("date", of_kind(|k| matches!(k, Kind::Date))),
        ];
        for (part, name) in parts {
            if !name.is_empty() && self.visible(plan, name) {
                card.insert(part.to_owned(), J::from(name));
            }
        }
        J::Object(card)
    }

    fn fallback_sections(&self, plan: &Plan) -> Vec<J> {
        let mut fields: Vec<&str> = plan.fields.iter().filter(|f| self.who.may_see(f)).map(|f| f.name).collect();
        fields.extend(plan.def.many.iter().map(|m| m.name));
        vec![json!({"key": "main", "label": self.schema.entity_label(self.language, &plan.def), "fields": fields})]
    }

    fn panels(&self, entity: &str) -> Vec<J> {
        let mut out = Vec::new();
        for panel in self.views.panels.get(entity).into_iter().flatten() {
            let Some(other) = panel["entity"].as_str().and_then(|e| self.schema.plans.get(e)) else { continue };
            if !self.may(&other.def, Right::Read) {
                continue;
            }
            out.push(json!({
                "key": panel["key"],
                "label": self.labelled(panel),
                "entity": other.def.name,
                "columns": self.names(other, panel.get("columns")),
                "sums": self.names(other, panel.get("sums")),
                "path": panel.get("path").cloned().unwrap_or(J::Null),
                "filter": panel.get("filter").cloned().unwrap_or(J::Null),
            }));
        }
        out
    }
}

fn mentions(sections: &[J], more: &[J], name: &str) -> bool {
    more.iter().any(|m| m == name)
        || sections.iter().any(|s| s["fields"].as_array().is_some_and(|fields| fields.iter().any(|f| f == name)))
}

fn text_or_null(text: &str) -> J {
    if text.is_empty() { J::Null } else { J::from(text) }
}

fn default_json(field: &FieldDef) -> J {
    let Some(text) = field.default else { return J::Null };
    match field.kind {
        Kind::Bool => J::from(text == "true" || text == "1"),
        Kind::Int | Kind::Duration => text.parse::<i64>().map_or_else(|_| J::from(text), J::from),
        _ => J::from(text),
    }
}

/// A field as the interface tells it. `of` is the entity that it belongs to; none for inputs and outputs of operations.
fn field_json(schema: &Schema, language: Language, owner: &str, field: &FieldDef, of: Option<&EntityDef>) -> J {
    let choices = match field.kind {
        Kind::Choice(set) => set
            .items
            .iter()
            .map(
                |i| json!({"value": i.value, "label": schema.choice_label(language, set, i.value), "colour": i.colour}),
            )
            .collect::<Vec<_>>()
            .into(),
        _ => J::Null,
    };
    let textual = matches!(field.kind, Kind::Text | Kind::LongText | Kind::Email | Kind::Phone);
    let ordered =
        field.kind.cells() == 1 && !matches!(field.kind, Kind::Text | Kind::LongText | Kind::Json | Kind::File);
    let mut told = json!({
        "name": field.name,
        "label": schema.field_label(language, owner, field),
        "help": schema.field_help(language, owner, field),
        "kind": field.kind.name(),
        "to": match field.kind { Kind::Ref(to) => J::from(to), _ => J::Null },
        "required": field.required && !matches!(field.kind, Kind::List(_)),
        "by_operation": field.by_operation,
        "read_only": field.read_only,
        "default": default_json(field),
        "role": text_or_null(field.role),
        "scale": match field.kind { Kind::Dec(scale) => J::from(scale), _ => J::Null },
        "max": if textual { J::from(field.max_chars()) } else { J::Null },
        "choices": choices,
        "sorted": of.is_some_and(|def| ordered || crate::plan::sorts(def, field) || matches!(field.kind, Kind::Money)),
        "searchable": field.searchable,
        "custom": field.custom,
    });
    if let Kind::List(fields) = field.kind {
        let inner: Vec<J> = fields().iter().map(|f| field_json(schema, language, owner, f, None)).collect();
        told["fields"] = J::Array(inner);
    }
    told
}
