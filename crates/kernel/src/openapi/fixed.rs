//! Addresses that belong to no entity and no operation.

use serde_json::{Map, Value as J, json};

use super::{answers, body, key_parameter, parameter, schemas::reference};

pub(super) fn other_paths(paths: &mut Map<String, J>) {
    let object = || Some(json!({"type": "object"}));
    let session = || Some(reference("Session"));
    let open = json!([]);
    let sign_in = json!({"type": "object", "required": ["user", "password"],
        "properties": {"user": {"type": "string"}, "password": {"type": "string", "format": "password"}},
        "example": {"user": "sales", "password": "a good password"}});
    let names = ["token", "company", "country", "currency", "language", "user", "name", "password"];
    let fields: Map<String, J> = names.iter().map(|n| ((*n).to_owned(), json!({"type": "string"}))).collect();
    let set_up = json!({"type": "object", "required": names, "properties": fields, "example": {
        "token": "of the one-time link", "company": "ACME s.r.o.", "country": "CZ", "currency": "CZK", "language": "cs",
        "user": "jana", "name": "Jana Nová", "password": "a good password"}});
    let upload = json!({"type": "object", "required": ["file"], "properties": {
        "file": {"type": "string", "format": "binary"}, "entity": {"type": "string"}, "id": {"type": "integer"}}});
    let tags = json!(["other"]);
    paths.insert(
        "/api/v1/session".to_owned(),
        json!({
            "get": {"operationId": "session.get", "summary": "Who is signed in", "tags": tags, "security": open,
                "responses": answers("200", "The session.", session())},
            "post": {"operationId": "session.open", "summary": "Sign in", "tags": tags, "security": open,
                "requestBody": body(&sign_in), "responses": answers("200", "The session, and its cookie.", session())},
            "delete": {"operationId": "session.close", "summary": "Sign out", "tags": tags,
                "responses": answers("204", "Signed out.", None)},
        }),
    );
    paths.insert(
        "/api/v1/setup".to_owned(),
        json!({"post": {"operationId": "setup",
        "summary": "Set up the company with the one-time link", "tags": tags, "security": open,
        "requestBody": body(&set_up), "responses": answers("200", "Signed in as its administrator.", session())}}),
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
        "responses": answers("201", "Kept.", Some(reference("File")))}}),
    );
    paths.insert(
        "/api/v1/files/{id}".to_owned(),
        json!({
        "parameters": [parameter("id", "path", "integer", "The file.")],
        "get": {"operationId": "files.get", "summary": "A file's content", "tags": tags,
            "parameters": [parameter("download", "query", "integer", "1 has it saved, also where it could be shown.")], "responses": {
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
