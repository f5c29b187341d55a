//! The description of the interface (OpenAPI 3.1), made from the registries: a concrete path for every entity and every
//! operation.

use serde_json::{Map, Value as J, json};

use crate::{
    Language,
    def::OpDef,
    engine::Kernel,
    field::{FieldDef, Kind},
    plan::Plan,
    schema::Schema,
};

impl Kernel {
    /// The OpenAPI document, in English. What was defined at run time is told only where `custom` is set: the compiled-in
    /// part is the same for every installation and may be public.
    pub fn openapi(&self, custom: bool) -> J {
        let schema = self.schema();
        let mut paths = Map::new();
        let mut schemas = Map::new();
        schemas.insert("Problem".to_owned(), problem_schema());
        for plan in schema.plans.values().filter(|p| custom || p.entry.is_some()) {
            schemas.insert(plan.def.name.to_owned(), entity_schema(&schema, plan, custom));
            entity_paths(&schema, plan, &mut paths);
        }
        for entry in schema.operations.values() {
            let def = (entry.def)();
            let (address, path) = operation_path(&schema, def);
            paths.insert(address, path);
        }
        other_paths(&mut paths);
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

fn problem_schema() -> J {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string", "description": "Stable; made for programs."},
            "errors": {"type": "array", "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"}},
            }},
            "needs": {"type": "array", "items": {"type": "object"}},
            "actions": {"type": "array", "items": {
                "type": "object",
                "properties": {"operation": {"type": "string"}, "label": {"type": "string"}, "input": {"type": "object"}},
            }},
            "request": {"type": "string", "description": "The request's number, for the log."},
        },
    })
}

fn described(mut json: J, text: String) -> J {
    if !text.is_empty() {
        json["description"] = J::String(text);
    }
    json
}

fn kind_schema(schema: &Schema, owner: &str, field: &FieldDef) -> J {
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
            json!({"type": "string", "format": "decimal", "description": format!("{scale} decimal places at most.")})
        }
        Kind::Money => json!({
            "type": "object",
            "required": ["amount"],
            "properties": {"amount": {"type": "string", "format": "decimal"}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}},
        }),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Time => json!({"type": "string", "format": "time"}),
        Kind::Timestamp => json!({"type": "string", "format": "date-time"}),
        Kind::Ref(to) => json!({"type": "integer", "format": "int64", "x-entity": to}),
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

fn fields_schema<'a>(schema: &Schema, owner: &str, fields: impl Iterator<Item = &'a FieldDef>, output: bool) -> J {
    let (mut properties, mut required) = (Map::new(), Vec::new());
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
        if field.required && !output && !field.read_only && !field.by_operation && field.default.is_none() {
            required.push(field.name);
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

fn entity_schema(schema: &Schema, plan: &Plan, custom: bool) -> J {
    let shown = plan.fields.iter().filter(|f| f.sensitive != "-" && (custom || !f.custom));
    let mut out = fields_schema(schema, plan.def.name, shown, false);
    for (name, told) in [
        ("id", json!({"type": "integer", "readOnly": true})),
        ("rev", json!({"type": "integer", "description": "Counts the changes; see If-Match."})),
        ("archived", json!({"type": "boolean"})),
        ("_title", json!({"type": "string", "readOnly": true})),
    ] {
        out["properties"][name] = told;
    }
    for lines in plan.def.lines {
        out["properties"][lines.name] =
            json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{}", lines.entity)}});
    }
    for many in plan.def.many {
        out["properties"][many.name] = json!({"type": "array", "items": {"type": "integer", "x-entity": many.to}});
    }
    described(out, schema.help(Language::En, plan.def.name, plan.def.help))
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

fn id_and_rev() -> J {
    json!({"type": "object", "properties": {"id": {"type": "integer"}, "rev": {"type": "integer"}}})
}

fn rows(item: &J) -> J {
    json!({"type": "object", "properties": {
        "rows": {"type": "array", "items": item},
        "next": {"type": ["string", "null"], "description": "For `after`."},
        "count": {"type": "integer"},
    }})
}

fn entity_paths(schema: &Schema, plan: &Plan, paths: &mut Map<String, J>) {
    let def = &plan.def;
    let (label, plural) = (schema.entity_label(Language::En, def), schema.entity_plural(Language::En, def));
    let reference = json!({"$ref": format!("#/components/schemas/{}", def.name)});
    let root = format!("/api/v1/entities/{}", def.name);
    let id = parameter("id", "path", "integer", "The record.");
    let tags = json!([def.name]);
    let listing: Vec<J> = [
        ("filter", "string", "JSON, such as {\"state\": \"draft\"} or {\"total\": {\"ge\": 100}}."),
        ("sort", "string", "`field,-other`."),
        ("limit", "integer", "50 unless given, at most 1000."),
        ("after", "string", "`next` of the page before."),
        ("q", "string", "Words that the record has to contain."),
        ("group", "string", "Fields to group by; `date:month` and the like too."),
        ("sum", "string", "Fields to add up."),
        ("min", "string", "Fields whose least value is wanted."),
        ("max", "string", "Fields whose greatest value is wanted."),
        ("avg", "string", "Fields whose average is wanted."),
        ("expand", "string", "References to put the record in place of the id."),
        ("titles", "integer", "1 adds `_titles` of references."),
        ("count", "integer", "1 adds `count`."),
        ("archived", "integer", "1 shows archived records too."),
        ("format", "string", "`csv` streams all rows."),
    ]
    .iter()
    .map(|(name, kind, text)| parameter(name, "query", kind, text))
    .collect();
    let mut collection = json!({"get": {
        "operationId": format!("list.{}", def.name),
        "summary": format!("List: {plural}"),
        "tags": tags,
        "parameters": listing,
        "responses": answers("200", "Records, or groups.", Some(rows(&reference))),
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
        "responses": answers("200", "The record with its lines; `ETag` holds its revision.", Some(reference.clone())),
    }});
    if !def.append_only && !def.by_operation {
        collection["post"] = json!({
            "operationId": format!("create.{}", def.name),
            "summary": format!("Create: {label}"),
            "tags": tags,
            "parameters": [key_parameter()],
            "requestBody": body(&reference),
            "responses": answers("201", "Created.", Some(id_and_rev())),
        });
        let seen = parameter("If-Match", "header", "string", "The revision that was seen, such as \"3\".");
        one["patch"] = json!({
            "operationId": format!("change.{}", def.name),
            "summary": format!("Change: {label}"),
            "tags": tags,
            "parameters": [seen.clone(), key_parameter()],
            "requestBody": body(&reference),
            "responses": answers("200", "Changed.", Some(id_and_rev())),
        });
        one["delete"] = json!({
            "operationId": format!("delete.{}", def.name),
            "summary": format!("Delete or archive: {label}"),
            "tags": tags,
            "parameters": [seen, key_parameter()],
            "responses": answers("204", "Deleted, or archived where anything refers to it.", None),
        });
    }
    let draft = json!({"post": {
        "operationId": format!("draft.{}", def.name),
        "summary": format!("Evaluate while typing: {label}"),
        "tags": tags,
        "requestBody": body(&reference),
        "responses": answers("200", "What it would become; nothing is stored.", Some(json!({"type": "object"}))),
    }});
    for part in ["history", "links", "attachments"] {
        let told = json!({"parameters": [id], "get": {
            "operationId": format!("{part}.{}", def.name),
            "summary": format!("{label}: {part}"),
            "tags": tags,
            "responses": answers("200", "Rows.", Some(rows(&json!({"type": "object"})))),
        }});
        paths.insert(format!("{root}/{{id}}/{part}"), told);
    }
    let panel = json!({"parameters": [id, parameter("panel", "path", "string", "Key of the panel, see meta.")], "get": {
        "operationId": format!("panel.{}", def.name),
        "summary": format!("{label}: a panel"),
        "tags": tags,
        "responses": answers("200", "Rows and sums.", Some(rows(&json!({"type": "object"})))),
    }});
    paths.insert(format!("{root}/{{id}}/panels/{{panel}}"), panel);
    paths.insert(format!("{root}/draft"), draft);
    paths.insert(root.clone(), collection);
    paths.insert(format!("{root}/{{id}}"), one);
}

fn operation_path(schema: &Schema, def: &OpDef) -> (String, J) {
    let input = fields_schema(schema, def.name, (def.input)().iter(), false);
    let output = fields_schema(schema, def.name, (def.output)().iter(), true);
    let module = def.name.split('.').next().unwrap_or(def.name);
    let answer = if def.file {
        json!({"200": {"description": "The file.", "content": {"application/octet-stream": {}}},
            "default": {"$ref": "#/components/responses/Problem"}})
    } else {
        answers("200", "Done.", Some(output))
    };
    let mut told = json!({"post": {
        "operationId": def.name,
        "summary": schema.operation_label(Language::En, def),
        "description": schema.help(Language::En, def.name, def.help),
        "tags": [format!("operations: {module}")],
        "parameters": [
            parameter("dry_run", "query", "integer", "1 tries it and tells what would change; stores nothing."),
            key_parameter(),
        ],
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

fn other_paths(paths: &mut Map<String, J>) {
    let object = || Some(json!({"type": "object"}));
    let open = json!([]);
    let sign_in = json!({"type": "object", "required": ["user", "password"],
        "properties": {"user": {"type": "string"}, "password": {"type": "string", "format": "password"}}});
    let names = ["token", "company", "country", "currency", "language", "user", "name", "password"];
    let fields: Map<String, J> = names.iter().map(|n| ((*n).to_owned(), json!({"type": "string"}))).collect();
    let set_up = json!({"type": "object", "properties": fields});
    let upload = json!({"type": "object", "required": ["file"], "properties": {
        "file": {"type": "string", "format": "binary"}, "entity": {"type": "string"}, "id": {"type": "integer"}}});
    let tags = json!(["other"]);
    paths.insert(
        "/api/v1/session".to_owned(),
        json!({
            "get": {"operationId": "session.get", "summary": "Who is signed in", "tags": tags, "security": open,
                "responses": answers("200", "The session.", object())},
            "post": {"operationId": "session.open", "summary": "Sign in", "tags": tags, "security": open,
                "requestBody": body(&sign_in), "responses": answers("200", "The session, and its cookie.", object())},
            "delete": {"operationId": "session.close", "summary": "Sign out", "tags": tags,
                "responses": answers("204", "Signed out.", None)},
        }),
    );
    paths.insert(
        "/api/v1/setup".to_owned(),
        json!({"post": {"operationId": "setup",
        "summary": "Set up the company with the one-time link", "tags": tags, "security": open,
        "requestBody": body(&set_up), "responses": answers("200", "Signed in as its administrator.", object())}}),
    );
    paths.insert(
        "/api/v1/meta".to_owned(),
        json!({"get": {"operationId": "meta",
        "summary": "All that a client needs to draw screens", "tags": tags,
        "responses": answers("200", "Areas, entities, operations.", object())}}),
    );
    paths.insert(
        "/api/v1/files".to_owned(),
        json!({"post": {"operationId": "files.upload",
        "summary": "Keep a file", "tags": tags, "parameters": [key_parameter()],
        "requestBody": {"required": true, "content": {"multipart/form-data": {"schema": upload}}},
        "responses": answers("201", "Kept.", object())}}),
    );
    paths.insert(
        "/api/v1/files/{id}".to_owned(),
        json!({
        "parameters": [parameter("id", "path", "integer", "The file.")],
        "get": {"operationId": "files.get", "summary": "A file's content", "tags": tags, "responses": {
            "200": {"description": "The content.", "content": {"application/octet-stream": {}}},
            "default": {"$ref": "#/components/responses/Problem"}}}}),
    );
    paths.insert(
        "/api/v1/events".to_owned(),
        json!({"get": {"operationId": "events", "summary": "Live changes",
        "tags": tags, "responses": {
            "200": {"description": "Server-sent events.", "content": {"text/event-stream": {}}},
            "default": {"$ref": "#/components/responses/Problem"}}}}),
    );
    paths.insert(
        "/api/v1/openapi.json".to_owned(),
        json!({"get": {"operationId": "openapi",
        "summary": "This description", "tags": tags, "security": open,
        "responses": answers("200", "OpenAPI 3.1.", object())}}),
    );
}
