//! Schemas of the description: fields, records in their forms, and the answers that are the same everywhere.

use serde_json::{Map, Value as J, json};

use crate::{
    Language, example,
    field::{FieldDef, Kind},
    plan::Plan,
    schema::Schema,
};

/// How decimals are written.
const DECIMAL: &str = "^-?[0-9]+([.][0-9]+)?$";

pub(super) fn described(mut json: J, text: String) -> J {
    if !text.is_empty() {
        json["description"] = J::String(text);
    }
    json
}

pub(super) fn kind_schema(schema: &Schema, owner: &str, field: &FieldDef) -> J {
    match field.kind {
        Kind::Text => json!({"type": "string", "maxLength": field.max_chars()}),
        Kind::LongText => json!({"type": "string", "maxLength": field.max_chars()}),
        Kind::Email => json!({"type": "string", "format": "email"}),
        Kind::Phone => json!({"type": "string"}),
        Kind::Country => json!({"type": "string", "pattern": "^[A-Z]{2}$"}),
        Kind::Language => json!({"type": "string", "enum": Language::ALL.map(Language::code)}),
        Kind::Choice(set) => json!({"type": "string", "enum": set.items.iter().map(|i| i.value).collect::<Vec<_>>()}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::Int => json!({"type": "integer", "format": "int64"}),
        Kind::Duration => json!({"type": "integer", "format": "int64", "description": "Seconds."}),
        Kind::Dec(scale) => {
            json!({"type": "string", "format": "decimal", "pattern": DECIMAL,
                "description": format!("{scale} decimal places at most.")})
        }
        Kind::Money => json!({
            "type": "object",
            "required": ["amount"],
            "properties": {"amount": {"type": "string", "format": "decimal", "pattern": DECIMAL}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}},
        }),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Time => json!({"type": "string", "format": "time"}),
        Kind::Timestamp => json!({"type": "string", "format": "date-time"}),
        Kind::Ref(to) => json!({"type": "integer", "format": "int64", "minimum": 1, "x-entity": to}),
        Kind::AnyRef => json!({
            "type": "object",
            "required": ["entity", "id"],
            "properties": {"entity": {"type": "string"}, "id": {"type": "integer"}},
        }),
        Kind::Json => json!({}),
        Kind::File => {
            json!({"type": "integer", "description": "Of a stored file; its content is at /api/v1/files/{id}."})
        }
        Kind::List(fields) => json!({"type": "array", "items": fields_schema(schema, owner, fields().iter(), false)}),
    }
}

pub(super) fn fields_schema<'a>(
    schema: &Schema,
    owner: &str,
    fields: impl Iterator<Item = &'a FieldDef>,
    output: bool,
) -> J {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    let input_of_operation = schema.operations.contains_key(owner);
    for field in fields {
        let mut told = kind_schema(schema, owner, field);
        if (output || !field.required)
            && let Some(kind) = told.get("type").filter(|k| k.is_string()).cloned()
        {
            told["type"] = json!([kind, "null"]);
            if let Some(values) = told.get_mut("enum").and_then(J::as_array_mut) {
                values.push(J::Null);
            }
        }
        if field.read_only || field.by_operation {
            told["readOnly"] = J::from(true);
        }
        // What a list has not, it has none of; a record's default stands for what is missing.
        let given = !matches!(field.kind, Kind::List(_)) && (input_of_operation || field.default.is_none());
        if field.required && !output && given && !field.read_only && !field.by_operation {
            required.push(field.name);
        }
        if let Some(check) = field.check {
            let text = told.get("description").and_then(J::as_str).unwrap_or("");
            told["description"] = J::from(format!("{text} Holds: {check}.").trim());
        }
        let help = schema.field_help(Language::En, owner, field);
        let text = told.get("description").and_then(J::as_str).map_or_else(|| help.clone(), |d| format!("{help} {d}"));
        properties.insert(field.name.to_owned(), described(told, text.trim().to_owned()));
    }
    let mut out = json!({"type": "object", "properties": properties});
    if !required.is_empty() && !output {
        out["required"] = json!(required);
    }
    out
}

/// A reference to a schema.
pub(super) fn reference(name: &str) -> J {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Whether generic surfaces write the entity by itself.
pub(super) fn typed(plan: &Plan) -> bool {
    let def = &plan.def;
    !def.append_only && !def.by_operation && (def.owner.is_empty() || def.lines_of_nobody())
}

fn shown(plan: &Plan, custom: bool) -> impl Iterator<Item = &FieldDef> {
    plan.fields.iter().filter(move |f| f.sensitive != "-" && (custom || !f.custom))
}

fn writable(plan: &Plan, custom: bool) -> impl Iterator<Item = &FieldDef> {
    shown(plan, custom).filter(|f| !f.by_operation && !f.read_only && f.name != plan.def.owner)
}

/// Whether the entity is the lines of another one.
fn is_line(schema: &Schema, name: &str) -> bool {
    schema.plans.values().any(|p| p.def.lines.iter().any(|l| l.entity == name))
}

/// The schemas of an entity: as it is read (`NAME`), created (`NAME.new`), changed (`NAME.change`) and, for lines, as it stands in
/// its owner (`NAME.line`); each with an example.
pub(super) fn entity_schemas(schema: &Schema, plan: &Plan, custom: bool, schemas: &mut Map<String, J>) {
    let name = plan.def.name;
    schemas.insert(name.to_owned(), read(schema, plan, custom));
    if typed(plan) {
        let (new, change) = (write(schema, plan, custom, true), write(schema, plan, custom, false));
        schemas.insert(format!("{name}.new"), new);
        schemas.insert(format!("{name}.change"), change);
    }
    if is_line(schema, name) {
        let mut line = fields_schema(schema, name, writable(plan, custom), false);
        if let Some(map) = line.as_object_mut() {
            map.remove("required");
        }
        line["properties"]["id"] =
            json!({"type": "integer", "description": "The line that is changed; a new one without."});
        line["properties"]["_delete"] = json!({"type": "boolean", "description": "Removes the line."});
        line["description"] = J::from(schema.help(Language::En, name, plan.def.help));
        line["example"] = example::object(schema, writable(plan, custom));
        schemas.insert(format!("{name}.line"), line);
    }
}

fn read(schema: &Schema, plan: &Plan, custom: bool) -> J {
    let name = plan.def.name;
    let mut out = fields_schema(schema, name, shown(plan, custom), true);
    for field in shown(plan, custom).filter(|f| matches!(f.kind, Kind::Ref(_) | Kind::AnyRef)) {
        // In the place of a reference stands the record itself where `expand` names it.
        out["properties"][field.name]["type"] = json!(["integer", "object", "null"]);
        if matches!(field.kind, Kind::AnyRef) {
            out["properties"][field.name]["type"] = json!(["object", "null"]);
        }
    }
    let mut sample = example::object(schema, shown(plan, custom));
    let mut add = |name: &str, told: J, example: Option<J>| {
        out["properties"][name] = told;
        if let Some(example) = example {
            sample[name] = example;
        }
    };
    add("id", json!({"type": "integer", "readOnly": true}), Some(json!(1001)));
    add("rev", json!({"type": "integer", "description": "Counts the changes; see If-Match."}), Some(json!(1)));
    if !plan.def.append_only {
        add("archived", json!({"type": "boolean"}), Some(json!(false)));
    }
    add("_title", json!({"type": "string", "readOnly": true}), Some(json!("#1001")));
    add("_titles", json!({"type": "object", "description": "Titles of references, where asked for."}), None);
    add("_read_only", reference("ReadOnly"), None);
    add("_operations", json!({"type": "array", "items": reference("Possible")}), None);
    for lines in plan.def.lines {
        let line = schema.plans.get(lines.entity).map(|p| {
            let mut line = example::object(schema, shown(p, custom));
            (line["id"], line["rev"]) = (json!(1002), json!(1));
            line
        });
        let told = json!({"type": "array", "items": reference(lines.entity)});
        add(lines.name, told, line.map(|line| json!([line])));
    }
    for many in plan.def.many {
        let told = json!({"type": "array", "items": {"type": "integer", "x-entity": many.to}});
        add(many.name, told, Some(json!([1001])));
    }
    out["required"] = json!(["id", "rev"]);
    out["example"] = sample;
    described(out, schema.help(Language::En, name, plan.def.help))
}

fn write(schema: &Schema, plan: &Plan, custom: bool, new: bool) -> J {
    let name = plan.def.name;
    // A line that is written by itself names its owner.
    let fields = || shown(plan, custom).filter(|f| !f.by_operation && !f.read_only);
    let mut out = fields_schema(schema, name, fields(), false);
    let mut sample = if new {
        example::object(schema, fields())
    } else {
        example::object(schema, fields().filter(|f| f.name != plan.def.owner).take(1))
    };
    for lines in plan.def.lines {
        out["properties"][lines.name] = json!({"type": "array", "items": reference(&format!("{}.line", lines.entity))});
        if new && let Some(line) = schema.plans.get(lines.entity) {
            sample[lines.name] = json!([example::object(schema, writable(line, custom))]);
        }
    }
    for many in plan.def.many {
        out["properties"][many.name] = json!({"type": "array", "items": {"type": "integer", "x-entity": many.to}});
    }
    out["additionalProperties"] = J::from(false);
    if !new {
        out["properties"]["rev"] =
            json!({"type": "integer", "description": "The revision that was seen; 412 where it is stale."});
        out["properties"]["archived"] = json!({"type": "boolean"});
        if let Some(map) = out.as_object_mut() {
            map.remove("required");
        }
    }
    out["example"] = sample;
    described(out, schema.help(Language::En, name, plan.def.help))
}

/// The schemas that belong to no entity.
pub(super) fn common() -> Map<String, J> {
    let link = json!({"type": "object", "required": ["entity", "id", "title"], "properties": {
        "entity": {"type": "string"}, "id": {"type": "integer"}, "title": {"type": "string"}}});
    let names = json!({"type": "array", "items": {"type": "string"}});
    let object = |properties: J| json!({"type": "object", "properties": properties});
    let rows = |item: J| {
        json!({"type": "object", "required": ["rows"], "properties": {
        "rows": {"type": "array", "items": item}, "next": {"type": ["string", "null"], "description": "For `after`."}}})
    };
    let error = object(json!({"field": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"}}));
    let any = json!({"entity": {"type": "string"}, "id": {"type": "integer"}});
    let mut all = Map::new();
    let mut add = |name: &str, told: J| all.insert(name.to_owned(), told);
    add(
        "Problem",
        json!({
            "type": "object",
            "required": ["type", "title", "status", "detail", "code", "errors", "actions", "request"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string", "description": "In the user's language."},
                "code": {"type": "string", "description": "Stable; made for programs. See x-errors."},
                "errors": {"type": "array", "items": error},
                "needs": {"type": "array", "description": "What was missing: of what, how much, where.", "items": object(json!({
                    "what": object(any.clone()), "quantity": {"type": "string"},
                    "place": {"type": ["object", "null"], "properties": any}}))},
                "actions": {"type": "array", "description": "Operations that would help.", "items": object(json!({
                    "operation": {"type": "string"}, "label": {"type": "string"}, "input": {"type": "object"}}))},
                "request": {"type": "string", "description": "The request's number, for the log."},
            },
        }),
    );
    add(
        "ReadOnly",
        json!({"type": "object", "description": "What may not be typed.", "properties": {
        "record": {"type": "boolean"}, "code": {"type": ["string", "null"]}, "reason": {"type": ["string", "null"]},
        "fields": names, "lines": {"type": "object", "additionalProperties": names}}}),
    );
    add(
        "Possible",
        json!({"type": "object", "required": ["operation", "allowed"], "properties": {
        "operation": {"type": "string"}, "allowed": {"type": "boolean"}, "reason": {"type": ["string", "null"]},
        "code": {"type": ["string", "null"]}, "input": {"type": "object", "description": "What a dialog starts with."}}}),
    );
    add(
        "Note",
        json!({"type": "object", "required": ["message"], "properties": {
        "field": {"type": ["string", "null"]}, "code": {"type": "string"}, "message": {"type": "string"},
        "links": {"type": "array", "items": link}}}),
    );
    add(
        "Result",
        json!({"type": "object", "required": ["message", "links", "next", "numbers"], "properties": {
        "message": {"type": "string"},
        "links": {"type": "array", "items": link},
        "next": {"type": "array", "items": reference("Note")},
        "numbers": {"type": "array", "description": "Numbers that documents were given.", "items": object(json!({
            "entity": {"type": "string"}, "id": {"type": "integer"}, "field": {"type": "string"}, "number": {"type": "string"}}))}}}),
    );
    add(
        "DryRun",
        json!({"type": "object", "required": ["changes"], "properties": {
        "changes": {"type": "array", "items": {"type": "object", "properties": {
            "entity": {"type": "string"}, "label": {"type": "string"}, "kind": {"enum": ["created", "changed", "deleted"]},
            "count": {"type": "integer"}, "ids": {"type": "array", "items": {"type": "integer"}}}}}}}),
    );
    add(
        "Written",
        json!({"type": "object", "required": ["id", "rev"], "properties": {
        "id": {"type": "integer"}, "rev": {"type": "integer"}, "notes": {"type": "array", "items": reference("Note")}},
        "example": {"id": 1001, "rev": 1}}),
    );
    add(
        "Draft",
        json!({"type": "object", "required": ["record", "provenance", "errors", "operations", "titles"], "properties": {
        "record": {"type": "object"}, "provenance": {"type": "object", "additionalProperties": {"enum": ["typed", "default", "computed"]}},
        "errors": {"type": "array", "items": error}, "notes": {"type": "array", "items": reference("Note")},
        "operations": {"type": "array", "items": reference("Possible")}, "titles": {"type": "object"}}}),
    );
    add(
        "History",
        rows(object(json!({
        "kind": {"enum": ["created", "changed", "archived", "restored", "deleted"]},
        "at": {"type": "string", "format": "date-time"},
        "actor": object(json!({"id": {"type": ["integer", "null"]}, "name": {"type": "string"}})),
        "operation": {"type": "string"}, "operation_label": {"type": "string"}, "step": {"type": ["string", "null"]},
        "changes": {"type": "array", "items": object(json!({"field": {"type": "string"}, "label": {"type": "string"},
            "before": {}, "after": {}, "before_title": {"type": "string"}, "after_title": {"type": "string"}}))}}))),
    );
    add(
        "Links",
        rows(object(json!({
        "entity": {"type": "string"}, "entity_label": {"type": "string"}, "id": {"type": "integer"}, "title": {"type": "string"},
        "status": {"type": ["string", "null"]}, "direction": {"enum": ["in", "out"]}}))),
    );
    add(
        "Attachments",
        rows(object(json!({
        "id": {"type": "integer"}, "name": {"type": "string"}, "media_type": {"type": "string"}, "size": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"}, "by": {"type": ["string", "null"]}}))),
    );
    add(
        "Panel",
        json!({"type": "object", "required": ["rows", "sums"], "properties": {
        "rows": {"type": "array", "items": {"type": "object"}}, "sums": {"type": "object"}, "next": {"type": ["string", "null"]}}}),
    );
    add(
        "Session",
        object(json!({
        "user": {"type": ["object", "null"]}, "company": {"type": ["object", "null"]},
        "demo": {"type": "array", "items": {"type": "object"}}, "setup": {"type": "boolean"}})),
    );
    add(
        "File",
        json!({"type": "object", "required": ["id", "name", "media_type", "size"], "properties": {
        "id": {"type": "integer"}, "name": {"type": "string"}, "media_type": {"type": "string"}, "size": {"type": "integer"}}}),
    );
    all
}
