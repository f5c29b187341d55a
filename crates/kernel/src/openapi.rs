//! The description of the interface (OpenAPI 3.1), made from the registries: a concrete path for every entity and every
//! operation.

mod fixed;
mod schemas;

use serde_json::{Map, Value as J, json};

use crate::{
    Language,
    def::{EntityDef, OpDef},
    engine::Kernel,
    example,
    field::Kind,
    plan::Plan,
    schema::Schema,
};

use schemas::{fields_schema, kind_schema, reference};

impl Kernel {
    /// The OpenAPI document, in English. What was defined at run time is told only where `custom` is set: the compiled-in
    /// part is the same for every installation and may be public.
    pub fn openapi(&self, custom: bool) -> J {
        let schema = self.schema();
        let mut paths = Map::new();
        let mut schemas = schemas::common();
        for plan in schema.plans.values().filter(|p| custom || p.entry.is_some()) {
            schemas::entity_schemas(&schema, plan, custom, &mut schemas);
            entity_paths(&schema, plan, &mut paths);
        }
        for entry in schema.operations.values() {
            let def = (entry.def)();
            let (address, path) = operation_path(&schema, def);
            paths.insert(address, path);
            if !def.read && !def.file {
                let (address, path) = many_path(&schema, def);
                paths.insert(address, path);
            }
        }
        fixed::other_paths(&mut paths);
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Celek",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Every entity is read and written through the same few addresses; every operation is called through one. Errors are problem documents (RFC 9457).",
            },
            "servers": [{"url": "/"}],
            "security": [{"token": []}, {"session": []}],
            "paths": paths,
            "x-errors": errors(&schema),
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer", "description": "A token made with `celek token`."},
                    "session": {"type": "apiKey", "in": "cookie", "name": "celek_session"},
                },
                "responses": {
                    "Problem": {
                        "description": "What went wrong, with a stable code.",
                        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    },
                },
            },
        })
    }
}

/// Codes of errors with their messages as written.
fn errors(schema: &Schema) -> Map<String, J> {
    let codes = schema.modules.iter().flat_map(|m| m.errors);
    codes
        .map(|code| {
            let text = schema.catalogue.get(Language::En, &format!("error.{code}")).unwrap_or(code);
            ((*code).to_owned(), J::from(text))
        })
        .collect()
}

fn parameter(name: &str, place: &str, kind: &str, text: &str) -> J {
    json!({"name": name, "in": place, "required": place == "path", "schema": {"type": kind}, "description": text})
}

fn key_parameter() -> J {
    parameter("Idempotency-Key", "header", "string", "The same request under the same key is done once.")
}

fn answers(status: &str, text: &str, schema: Option<J>) -> J {
    let mut good = json!({"description": text});
    if let Some(schema) = schema {
        good["content"] = json!({"application/json": {"schema": schema}});
    }
    json!({status: good, "default": {"$ref": "#/components/responses/Problem"}})
}

fn body(schema: &J) -> J {
    json!({"required": true, "content": {"application/json": {"schema": schema}}})
}

fn rows(item: &J) -> J {
    json!({"type": "object", "properties": {
        "rows": {"type": "array", "items": item},
        "next": {"type": ["string", "null"], "description": "For `after`."},
        "count": {"type": "integer"},
        "count_exact": {"type": "boolean", "description": "False where `count` is an estimate."},
        "incomplete": {"type": "boolean", "description": "True where not all was looked at: go on with `next`, or narrow the question."},
    }})
}

fn entity_paths(schema: &Schema, plan: &Plan, paths: &mut Map<String, J>) {
    let def = &plan.def;
    let (label, plural) = (schema.entity_label(Language::En, def), schema.entity_plural(Language::En, def));
    let read = reference(def.name);
    let root = format!("/api/v1/entities/{}", def.name);
    let id = parameter("id", "path", "integer", "The record.");
    let tags = json!([def.name]);
    let listing: Vec<J> = [
        ("filter", "string", "JSON, such as {\"state\": \"draft\"} or {\"total\": {\"ge\": 100}}."),
        ("sort", "string", "`field,-other`; paths of references too (`customer.name`)."),
        ("columns", "string", "Only these fields, and paths of references such as `customer.country`."),
        ("limit", "integer", "50 unless given, at most 1000."),
        ("after", "string", "`next` of the page before."),
        ("q", "string", "Words that the record has to contain."),
        ("group", "string", "Fields and paths to group by; `date:day`, `:week`, `:month`, `:quarter`, `:year`."),
        ("sum", "string", "Fields to add up."),
        ("min", "string", "Fields whose least value is wanted."),
        ("max", "string", "Fields whose greatest value is wanted."),
        ("avg", "string", "Fields whose average is wanted."),
        ("expand", "string", "References to put the record in place of the id."),
        ("titles", "integer", "1 adds `_titles` of references."),
        ("count", "integer", "1 adds `count` and `count_exact`."),
        ("archived", "integer", "1 shows archived records too."),
        ("format", "string", "`csv` or `xlsx` streams all rows as a file."),
        ("fields", "string", "Fields of the file; all unless given."),
    ]
    .iter()
    .map(|(name, kind, text)| parameter(name, "query", kind, text))
    .collect();
    let mut collection = json!({"get": {
        "operationId": format!("list.{}", def.name),
        "summary": format!("List: {plural}"),
        "tags": tags,
        "parameters": listing,
        "responses": answers("200", "Records, or groups.", Some(rows(&read))),
    }});
    let mut one = json!({"parameters": [id], "get": {
        "operationId": format!("get.{}", def.name),
        "summary": format!("Read: {label}"),
        "tags": tags,
        "parameters": [
            parameter("operations", "query", "integer", "1 adds which operations are allowed, and why not."),
            parameter("titles", "query", "integer", "1 adds titles of references."),
            parameter("expand", "query", "string", "References to put the record in place of the id."),
        ],
        "responses": answers("200", "The record with its lines; `ETag` holds its revision.", Some(read)),
    }});
    let new = reference(&format!("{}.new", def.name));
    if schemas::typed(plan) {
        collection["post"] = json!({
            "operationId": format!("create.{}", def.name),
            "summary": format!("Create: {label}"),
            "tags": tags,
            "parameters": [key_parameter()],
            "requestBody": body(&new),
            "responses": answers("201", "Created.", Some(reference("Written"))),
        });
        let seen = parameter("If-Match", "header", "string", "The revision that was seen, such as \"3\".");
        one["patch"] = json!({
            "operationId": format!("change.{}", def.name),
            "summary": format!("Change: {label}"),
            "tags": tags,
            "parameters": [seen.clone(), key_parameter()],
            "requestBody": body(&reference(&format!("{}.change", def.name))),
            "responses": answers("200", "Changed.", Some(reference("Written"))),
        });
        one["delete"] = json!({
            "operationId": format!("delete.{}", def.name),
            "summary": format!("Delete or archive: {label}"),
            "tags": tags,
            "parameters": [seen, key_parameter()],
            "responses": answers("204", "Deleted, or archived where anything refers to it.", None),
        });
    }
    if schemas::typed(plan) {
        paths.insert(format!("{root}/bulk"), bulk_path(def, &label));
    }
    let draft = json!({"post": {
        "operationId": format!("draft.{}", def.name),
        "summary": format!("Evaluate while typing: {label}"),
        "tags": tags,
        "requestBody": body(&json!({"type": "object", "description": "Fields by name, `id` where it exists."})),
        "responses": answers("200", "What it would become; nothing is stored.", Some(reference("Draft"))),
    }});
    for (part, told) in [("history", "History"), ("links", "Links"), ("attachments", "Attachments")] {
        let pages = [
            parameter("limit", "query", "integer", "200 unless given, at most 1000."),
            parameter("after", "query", "string", "`next` of the page before."),
        ];
        let parameters = if part == "history" { &pages[..] } else { &[] };
        let told = json!({"parameters": [id], "get": {
            "operationId": format!("{part}.{}", def.name),
            "summary": format!("{label}: {part}"),
            "tags": tags,
            "parameters": parameters,
            "responses": answers("200", "Rows.", Some(reference(told))),
        }});
        paths.insert(format!("{root}/{{id}}/{part}"), told);
    }
    let panel = json!({"parameters": [id, parameter("panel", "path", "string", "Key of the panel, see meta.")], "get": {
        "operationId": format!("panel.{}", def.name),
        "summary": format!("{label}: a panel"),
        "tags": tags,
        "responses": answers("200", "Rows and sums.", Some(reference("Panel"))),
    }});
    paths.insert(format!("{root}/{{id}}/panels/{{panel}}"), panel);
    paths.insert(format!("{root}/draft"), draft);
    paths.insert(root.clone(), collection);
    paths.insert(format!("{root}/{{id}}"), one);
}

/// What rows of a bulk request answer.
fn bulk_answer(extra: &J) -> J {
    json!({"type": "object", "required": ["rows", "done", "refused"], "properties": {
        "rows": {"type": "array", "items": {"type": "object", "required": ["status"], "properties": {
            "status": {"type": "integer", "description": "As the single request would answer."},
            "id": {"type": "integer"}, "rev": {"type": "integer"}, "output": extra,
            "notes": {"type": "array", "items": {"type": "object"}},
            "problem": {"type": "object", "description": "Why it was refused."}}}},
        "done": {"type": "integer"}, "refused": {"type": "integer"},
        "numbers": {"type": "array", "items": {"type": "object"}}}})
}

fn trial_parameters() -> J {
    json!([
        parameter("dry_run", "query", "integer", "1 tries it and tells what would change; stores nothing."),
        key_parameter()
    ])
}

fn bulk_path(def: &EntityDef, label: &str) -> J {
    let seen = json!({"type": "object", "required": ["id"], "additionalProperties": false,
        "properties": {"id": {"type": "integer"}, "rev": {"type": "integer"}}});
    let row = json!({"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "properties": {"create": reference(&format!("{}.new", def.name)), "change": {"type": "object", "required": ["id"]}, "delete": seen}});
    let input = json!({"type": "object", "required": ["rows"], "additionalProperties": false, "properties": {
        "rows": {"type": "array", "maxItems": crate::bulk::MOST_ROWS, "items": row},
        "atomic": {"type": "boolean", "description": "All of them or none."}},
        "example": {"rows": [{"delete": {"id": 17}}], "atomic": false}});
    json!({"post": {
        "operationId": format!("bulk.{}", def.name),
        "summary": format!("Create, change and delete many: {label}"),
        "tags": [def.name],
        "parameters": trial_parameters(),
        "requestBody": body(&input),
        "responses": answers("200", "A row for each.", Some(bulk_answer(&json!({"type": "object"})))),
    }})
}

fn many_path(schema: &Schema, def: &OpDef) -> (String, J) {
    let mut input = fields_schema(schema, def.name, (def.input)().iter(), false);
    input["additionalProperties"] = J::from(false);
    let output = fields_schema(schema, def.name, (def.output)().iter(), true);
    let example = example::object(schema, (def.input)().iter());
    let all = json!({"type": "object", "required": ["inputs"], "additionalProperties": false, "properties": {
        "inputs": {"type": "array", "maxItems": crate::bulk::MOST_ROWS, "items": input},
        "atomic": {"type": "boolean", "description": "All of them or none."}},
        "example": {"inputs": [example], "atomic": false}});
    let module = def.name.split('.').next().unwrap_or(def.name);
    let told = json!({"post": {
        "operationId": format!("bulk.{}", def.name),
        "summary": format!("{}, many times", schema.operation_label(Language::En, def)),
        "tags": [format!("operations: {module}")],
        "parameters": trial_parameters(),
        "requestBody": body(&all),
        "responses": answers("200", "A row for each.", Some(bulk_answer(&output))),
    }});
    (format!("/api/v1/operations/{}/bulk", def.name), told)
}

fn operation_path(schema: &Schema, def: &OpDef) -> (String, J) {
    let mut input = fields_schema(schema, def.name, (def.input)().iter(), false);
    input["additionalProperties"] = J::from(false);
    input["example"] = example::object(schema, (def.input)().iter());
    let mut output = fields_schema(schema, def.name, (def.output)().iter(), true);
    output["example"] = example::object(schema, (def.output)().iter());
    if !def.read {
        output["properties"]["_result"] = reference("Result");
        output["properties"]["_dry_run"] = reference("DryRun");
        output["example"]["_result"] = json!({
            "message": schema.catalogue.get(Language::En, &format!("{}.done", def.name)).unwrap_or("Done."),
            "links": [], "next": [], "numbers": []});
    }
    let module = def.name.split('.').next().unwrap_or(def.name);
    let answer = if def.file {
        json!({"200": {"description": "The file; with `Accept: application/json` its content in base64.",
                "content": {"application/octet-stream": {}, "application/json": {"schema": output}}},
            "default": {"$ref": "#/components/responses/Problem"}})
    } else {
        answers("200", "Done.", Some(output))
    };
    let mut told = json!({"post": {
        "operationId": def.name,
        "summary": schema.operation_label(Language::En, def),
        "description": schema.help(Language::En, def.name, def.help),
        "tags": [format!("operations: {module}")],
        "parameters": if def.read { Vec::new() } else { vec![
            parameter("dry_run", "query", "integer", "1 tries it and tells what would change; stores nothing."),
            key_parameter(),
        ] },
        "requestBody": body(&input),
        "responses": answer.clone(),
    }});
    if def.public {
        told["post"]["security"] = json!([]);
    }
    if def.read {
        let parameters: Vec<J> = (def.input)()
            .iter()
            .map(|f| {
                let required = f.required && !matches!(f.kind, Kind::List(_));
                json!({"name": f.name, "in": "query", "required": required, "schema": kind_schema(schema, def.name, f)})
            })
            .collect();
        told["get"] = json!({
            "operationId": format!("get.{}", def.name),
            "summary": schema.operation_label(Language::En, def),
            "tags": [format!("operations: {module}")],
            "parameters": parameters,
            "responses": answer,
        });
    }
    (format!("/api/v1/operations/{}", def.name), told)
}
