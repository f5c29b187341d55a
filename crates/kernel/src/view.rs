//! View files: how a screen shows an entity. They stand beside the entity in its module and are checked when the schema is
//! built.

use std::collections::BTreeMap;

use serde_json::{Value as J, json};

use crate::{
    error::{Error, Result},
    schema::Schema,
};

/// Reads a TOML text as JSON.
fn read(name: &str, text: &str) -> Result<J> {
    let table: toml::Table = text.parse().map_err(|e| Error::internal(format!("view {name}: {e}")))?;
    serde_json::to_value(table).map_err(|e| Error::internal(format!("view {name}: {e}")))
}

/// All views and panels.
#[derive(Clone, Debug, Default)]
pub struct Views {
    /// View by entity.
    pub views: BTreeMap<String, J>,
    /// Panels by entity on which they are shown.
    pub panels: BTreeMap<String, Vec<J>>,
}

impl Views {
    /// Reads the view files of all modules.
    ///
    /// # Errors
    /// For files that name entities, fields or operations that do not exist.
    pub fn load(schema: &Schema) -> Result<Self> {
        let mut all = Self::default();
        for module in &schema.modules {
            for (entity, text) in module.views {
                let view = read(entity, text)?;
                check(schema, entity, &view)?;
                all.views.insert((*entity).to_owned(), view);
            }
            for (entity, text) in module.extends {
                let extends = read(entity, text)?;
                for (key, panel) in extends.as_object().into_iter().flatten() {
                    check_panel(schema, entity, key, panel)?;
                    let mut panel = panel.clone();
                    panel["key"] = json!(key);
                    all.panels.entry((*entity).to_owned()).or_default().push(panel);
                }
            }
        }
        Ok(all)
    }

    /// A panel of an entity by its key.
    pub fn panel(&self, entity: &str, key: &str) -> Option<&J> {
        self.panels.get(entity)?.iter().find(|p| p["key"] == key)
    }
}

fn texts(json: &J) -> impl Iterator<Item = &str> {
    json.as_array().into_iter().flatten().filter_map(|v| v.as_str().or_else(|| v.get("field").and_then(J::as_str)))
}

fn check(schema: &Schema, entity: &str, view: &J) -> Result<()> {
    let plan = schema.plan(entity)?;
    let field = |entity: &str, name: &str| -> Result<()> {
        let plan = schema.plan(entity)?;
        let known = plan.field(name).is_some() || name == "id" || plan.def.many.iter().any(|m| m.name == name);
        if known { Ok(()) } else { Err(Error::internal(format!("view of {entity}: no field {name}"))) }
    };
    for name in texts(&view["list"]).chain(texts(&view["more"])) {
        field(entity, name)?;
    }
    for section in view["sections"].as_array().into_iter().flatten() {
        for name in texts(&section["fields"]) {
            field(entity, name)?;
        }
    }
    for name in view["card"].as_object().into_iter().flat_map(|m| m.values()).filter_map(J::as_str) {
        field(entity, name)?;
    }
    for (lines, columns) in view["lines"].as_object().into_iter().flatten() {
        let def = plan.def.lines.iter().find(|l| l.name == lines);
        let def = def.ok_or_else(|| Error::internal(format!("view of {entity}: no lines {lines}")))?;
        for name in texts(columns) {
            field(def.entity, name)?;
        }
    }
    for name in texts(&view["operations"]) {
        schema.operation(name).map_err(|_| Error::internal(format!("view of {entity}: no operation {name}")))?;
    }
    for filter in view["filters"].as_array().into_iter().flatten() {
        crate::Filter::parse(&filter["filter"])
            .map_err(|e| Error::internal(format!("view of {entity}: filter {}: {e}", filter["key"])))?;
    }
    Ok(())
}

fn check_panel(schema: &Schema, entity: &str, key: &str, panel: &J) -> Result<()> {
    let wrong = |what: &str| Err(Error::internal(format!("panel {key} on {entity}: {what}")));
    schema.plan(entity)?;
    let Some(other) = panel["entity"].as_str() else { return wrong("no entity") };
    let Some(path) = panel["path"].as_str() else { return wrong("no path") };
    let plan = schema.plan(other)?;
    let first = path.split('.').next().unwrap_or(path);
    let relation = path == first && plan.def.many.iter().any(|m| m.name == first);
    if plan.field(first).is_none() && first != "id" && !relation {
        return wrong(&format!("{other} has no field {first}"));
    }
    for name in texts(&panel["columns"]).chain(texts(&panel["sums"])) {
        if plan.field(name).is_none() {
            return wrong(&format!("{other} has no field {name}"));
        }
    }
    Ok(())
}
