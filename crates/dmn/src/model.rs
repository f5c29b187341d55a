//! A model that can be asked.

use crate::convert;
use crate::tree::{self, Node};
use dsntk_feel::values::Value;
use dsntk_model_evaluator::ModelEvaluator;
use serde_json::{Map, Value as Json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const NEWEST: &str = "https://www.omg.org/spec/DMN/20230324/MODEL/";

/// Why a model or a question was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// Not well-formed, too large, or no DMN.
    Xml(String),
    /// The model is wrong; the text says where.
    Model(String),
    /// It has no decision of that name or id.
    NoDecision(String),
    /// It has several and none was named.
    WhichDecision(Vec<String>),
    /// The library broke.
    Broken(String),
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Xml(text) => write!(f, "not read: {text}"),
            Self::Model(text) => write!(f, "not a usable model: {text}"),
            Self::NoDecision(name) => write!(f, "there is no decision '{name}'"),
            Self::WhichDecision(names) => write!(f, "name one of the decisions: {}", names.join(", ")),
            Self::Broken(text) => write!(f, "could not be evaluated: {text}"),
        }
    }
}

impl std::error::Error for ModelError {}

/// One model, with those that it imports.
pub struct Model {
    evaluator: Arc<ModelEvaluator>,
    namespace: String,
    name: String,
    /// Names by what can be asked for: names and ids.
    names: Vec<(String, String)>,
}

impl Model {
    /// Reads a file and the files that it may import. `inputs` are the names of the variables that there are: models of
    /// Camunda's older form, which declare no inputs, get these as theirs.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn read(xml: &str, imports: &[String], inputs: &[&str]) -> Result<Self, ModelError> {
        let root = tree::read(xml).map_err(ModelError::Xml)?;
        if root.name != "definitions" {
            return Err(ModelError::Xml("the root element is not DMN definitions".to_owned()));
        }
        let main = parse(&root, xml, inputs)?;
        let (namespace, name) = (attribute(&root, "namespace"), attribute(&root, "name"));
        let mut all = vec![main];
        for import in imports {
            let root = tree::read(import).map_err(ModelError::Xml)?;
            all.push(parse(&root, import, inputs)?);
        }
        let built = catch_unwind(AssertUnwindSafe(|| ModelEvaluator::new(&all)));
        let evaluator = built
            .map_err(|_| ModelError::Broken("the model could not be built".to_owned()))?
            .map_err(|e| ModelError::Model(e.to_string()))?;
        let askable = ["decision", "decisionService", "businessKnowledgeModel"];
        let names = root.children.iter().filter(|c| askable.contains(&c.name.as_str())).flat_map(|c| {
            let name = attribute(c, "name");
            [(name.clone(), name.clone()), (attribute(c, "id"), name)]
        });
        Ok(Self { evaluator, namespace, name, names: names.collect() })
    }

    /// Names of what can be asked.
    pub fn decisions(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.names.iter().map(|(_, name)| name.as_str()).collect();
        names.dedup();
        names
    }

    /// Evaluates a decision, decision service or knowledge model by its name or id; without one the only decision.
    ///
    /// # Errors
    /// [`ModelError`]. What FEEL cannot answer is null.
    pub fn evaluate(&self, decision: Option<&str>, input: &Map<String, Json>) -> Result<Json, ModelError> {
        let name = match decision {
            Some(wanted) => match self.names.iter().find(|(known, _)| known == wanted) {
                Some((_, name)) => name,
                None => return Err(ModelError::NoDecision(wanted.to_owned())),
            },
            None => match self.decisions().as_slice() {
                [_] => &self.names[0].1,
                several => return Err(ModelError::WhichDecision(several.iter().map(|n| (*n).to_owned()).collect())),
            },
        };
        self.ask(name, &convert::context(input)).map(|value| convert::to_json(&value))
    }

    pub(crate) fn ask(&self, name: &str, input: &dsntk_feel::context::FeelContext) -> Result<Value, ModelError> {
        let answer = catch_unwind(AssertUnwindSafe(|| {
            self.evaluator.evaluate_invocable(&self.namespace, &self.name, name, input)
        }));
        answer.map_err(|_| ModelError::Broken("the library gave up".to_owned()))
    }
}

fn attribute(node: &Node, name: &str) -> String {
    node.attr(name).unwrap_or_default().to_owned()
}

fn parse(root: &Node, xml: &str, inputs: &[&str]) -> Result<dsntk_model::Definitions, ModelError> {
    let read = |xml: &str| {
        catch_unwind(AssertUnwindSafe(|| dsntk_model::parse(xml)))
            .map_err(|_| ModelError::Broken("the file could not be read".to_owned()))?
            .map_err(|e| ModelError::Model(e.to_string()))
    };
    let old = root.attributes.iter().any(|(key, value)| {
        (key == "xmlns" || key.starts_with("xmlns:")) && value.starts_with("http://www.omg.org/spec/DMN/2015")
    });
    let bare = root.all("decision").any(|d| d.one("variable").is_none());
    if !old && !bare {
        return read(xml);
    }
    let mut text = String::new();
    modern(root, inputs).write(&mut text);
    read(&text)
}

/// A model of an older form in today's: its own namespace, a variable for every decision, declared inputs.
fn modern(root: &Node, inputs: &[&str]) -> Node {
    let mut attributes = vec![("xmlns".to_owned(), NEWEST.to_owned())];
    for name in ["id", "name", "namespace"] {
        attributes.push((name.to_owned(), attribute(root, name)));
    }
    let mut new = Node { name: "definitions".to_owned(), attributes, ..Node::default() };
    let names: Vec<String> = root.all("decision").map(|d| attribute(d, "name")).collect();
    let leaf = |name: &str, attributes: &[(&str, &str)]| Node {
        name: name.to_owned(),
        attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..Node::default()
    };
    let undeclared = root.one("inputData").is_none();
    let inputs: Vec<&&str> = inputs.iter().filter(|i| undeclared && !names.iter().any(|n| n == **i)).collect();
    for (number, input) in inputs.iter().enumerate() {
        let mut data = leaf("inputData", &[("id", &format!("_input{number}")), ("name", input)]);
        data.children.push(leaf("variable", &[("name", input)]));
        new.children.push(data);
    }
    for child in &root.children {
        let mut child = plain(child);
        match child.name.as_str() {
            "decision" => {
                let name = attribute(&child, "name");
                let mut children = Vec::new();
                if child.one("variable").is_none() {
                    children.push(leaf("variable", &[("name", &name)]));
                }
                children.extend(child.all("variable").cloned());
                for number in 0..inputs.len() {
                    let mut requirement = leaf("informationRequirement", &[]);
                    requirement.children.push(leaf("requiredInput", &[("href", &format!("#_input{number}"))]));
                    children.push(requirement);
                }
                let rest = |c: &Node| !matches!(c.name.as_str(), "variable" | "extensionElements");
                children.extend(child.children.drain(..).filter(rest));
                child.children = children;
                new.children.push(child);
            }
            "DMNDI" | "extensionElements" => {}
            _ => new.children.push(child),
        }
    }
    new
}

/// Without what belongs to other programs.
fn plain(node: &Node) -> Node {
    let mut node = node.clone();
    node.attributes.retain(|(key, _)| !key.contains(':') && key != "xmlns");
    // JUEL in an old model is written where FEEL is the standard; simple names are the same in both.
    node.attributes
        .retain(|(key, value)| key != "expressionLanguage" || value.contains("feel") || value.contains("FEEL"));
    node.children = node.children.iter().filter(|c| c.name != "extensionElements").map(plain).collect();
    node
}
