//! Bounds the cost of an expression before it runs: the library has no limit of its own.
//!
//! The tree is walked once with the sizes of the variables instead of their values; every kind of node has a bound for
//! the size of its result and for the work it does. The unit of work is about one copied scalar or 16 characters.

use super::FeelError;
use dsntk_feel::bif::is_built_in_function_name;
use dsntk_feel_parser::AstNode;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Most work of one evaluation, well under a second.
const LIMIT: f64 = 2_000_000.0;
/// Longest range of numbers that is iterated over.
const MAX_RANGE: f64 = 1_000.0;
/// Deepest nesting of `for`, `some` and `every`.
const MAX_LOOPS: usize = 2;
/// Deepest nesting of these together with filters.
const MAX_ITERATIONS: usize = 3;
/// Deepest tree; also keeps the recursion of the library far from the end of the stack.
const MAX_DEPTH: usize = 100;
/// Longest regular expression.
const MAX_PATTERN: usize = 200;

/// How large a value can be: scalars (16 characters each) in all, and its longest list at any depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    all: f64,
    longest: f64,
}

impl Size {
    const ONE: Self = Self { all: 1.0, longest: 0.0 };
    fn text(characters: usize) -> Self {
        Self { all: 1.0 + characters as f64 / 16.0, longest: 0.0 }
    }
    fn max(self, other: Self) -> Self {
        Self { all: self.all.max(other.all), longest: self.longest.max(other.longest) }
    }
    fn plus(self, other: Self) -> Self {
        Self { all: self.all + other.all, longest: self.longest + other.longest }
    }
}

/// The size of a variable's value.
pub(super) fn measure(json: &Json) -> Size {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => Size::ONE,
        Json::String(text) => Size::text(text.len()),
        Json::Array(items) => {
            let start = Size { all: 1.0, longest: items.len() as f64 };
            items
                .iter()
                .map(measure)
                .fold(start, |sum, item| Size { all: sum.all + item.all, longest: sum.longest.max(item.longest) })
        }
        Json::Object(entries) => entries.iter().fold(Size::ONE, |sum, (name, value)| {
            let value = measure(value);
            Size { all: sum.all + value.all + name.len() as f64 / 16.0, longest: sum.longest.max(value.longest) }
        }),
    }
}

/// A tree whose cost is bounded.
pub(super) struct Bound {
    tree: AstNode,
    /// Variables of this total size are allowed without looking closer.
    safe: f64,
}

impl Bound {
    /// # Errors
    /// [`FeelError::Refused`] for what cannot be bounded or is too costly with the smallest data.
    pub fn new(tree: AstNode) -> Result<Self, FeelError> {
        let mut safe = 0.0;
        for power in 0..=20 {
            let all = f64::from(1u32 << power);
            let cost = Walk::new(&|_| Some(Size { all, longest: all })).node(&tree)?.1;
            if cost > LIMIT {
                break;
            }
            safe = all;
        }
        if safe == 0.0 {
            return Err(FeelError::Refused("the expression is too costly".to_owned()));
        }
        Ok(Self { tree, safe })
    }

    pub fn tree(&self) -> &AstNode {
        &self.tree
    }

    /// # Errors
    /// [`FeelError::TooCostly`] where the data is too large for this expression.
    pub fn allows(&self, sizes: &[(&str, Size)]) -> Result<(), FeelError> {
        if sizes.iter().map(|(_, size)| size.all).sum::<f64>() <= self.safe {
            return Ok(());
        }
        let find = |name: &str| sizes.iter().find(|(n, _)| *n == name).map(|(_, size)| *size);
        match Walk::new(&find).node(&self.tree)?.1 {
            cost if cost <= LIMIT => Ok(()),
            _ => Err(FeelError::TooCostly),
        }
    }
}

type Known = (Size, f64);

struct Walk<'a> {
    variables: &'a dyn Fn(&str) -> Option<Size>,
    /// Names bound by loops, filters and contexts, innermost last.
    bound: Vec<(String, Size)>,
    /// Sizes of the elements of the filters around: their entries are names too.
    filtered: Vec<Size>,
    loops: usize,
}

fn refuse<T>(what: &str) -> Result<T, FeelError> {
    Err(FeelError::Refused(what.to_owned()))
}

impl<'a> Walk<'a> {
    fn new(variables: &'a dyn Fn(&str) -> Option<Size>) -> Self {
        Self { variables, bound: Vec::new(), filtered: Vec::new(), loops: 0 }
    }

    fn lookup(&self, name: &str) -> Size {
        if let Some((_, size)) = self.bound.iter().rev().find(|(n, _)| n == name) {
            return *size;
        }
        let variable = (self.variables)(name);
        let entry = self.filtered.iter().copied().reduce(Size::max);
        variable.into_iter().chain(entry).fold(Size::ONE, Size::max)
    }

    fn node(&mut self, node: &AstNode) -> Result<Known, FeelError> {
        match node {
            AstNode::FunctionDefinition(..)
            | AstNode::FunctionBody(..)
            | AstNode::FormalParameters(_)
            | AstNode::FormalParameter(..) => refuse("functions cannot be defined"),
            AstNode::Name(name) if name.as_str() == "partial" => refuse("'partial' is not available"),
            AstNode::Name(name) => {
                let size = self.lookup(name.as_str());
                Ok((size, 1.0 + size.all))
            }
            AstNode::String(text) | AstNode::At(text) => {
                let size = Size::text(text.len());
                Ok((size, size.all))
            }
            AstNode::For(contexts, body) => {
                let AstNode::IterationContexts(items) = &**contexts else { return refuse("iteration") };
                let (size, cost, rounds) = self.repeat(items, body)?;
                // The library copies the list of results so far in every round.
                Ok((Size { all: size.all + 1.0, longest: size.longest.max(rounds) }, cost + rounds * size.all))
            }
            AstNode::Some(contexts, body) | AstNode::Every(contexts, body) => {
                let AstNode::QuantifiedContexts(items) = &**contexts else { return refuse("quantifier") };
                let (_, cost, _) = self.repeat(items, body)?;
                Ok((Size::ONE, cost))
            }
            AstNode::Filter(list, body) => self.filter(list, body),
            AstNode::FunctionInvocation(function, arguments) => self.call(function, arguments),
            AstNode::Context(entries) => self.context(entries),
            AstNode::Path(base, _) => {
                let (size, cost) = self.node(base)?;
                Ok((size, cost + size.all))
            }
            AstNode::List(items) => {
                let (all, cost) = self.children(items.iter())?;
                Ok((Size { all: all.all + 1.0, longest: all.longest.max(items.len() as f64) }, cost + all.all))
            }
            AstNode::Sub(..) | AstNode::Mul(..) | AstNode::Div(..) | AstNode::Exp(..) | AstNode::Neg(_) => {
                let (size, cost) = self.below(node)?;
                Ok((Size::ONE, cost + size.all + 1.0))
            }
            AstNode::And(..)
            | AstNode::Or(..)
            | AstNode::Eq(..)
            | AstNode::Nq(..)
            | AstNode::Lt(..)
            | AstNode::Le(..)
            | AstNode::Gt(..)
            | AstNode::Ge(..)
            | AstNode::In(..)
            | AstNode::Between(..)
            | AstNode::InstanceOf(..) => {
                let (size, cost) = self.below(node)?;
                Ok((Size::ONE, cost + size.all + 1.0))
            }
            _ => {
                let (size, cost) = self.below(node)?;
                Ok((size.plus(Size::ONE), cost + size.all + 1.0))
            }
        }
    }

    fn children<'n>(&mut self, nodes: impl Iterator<Item = &'n AstNode>) -> Result<Known, FeelError> {
        let mut sum = (Size { all: 0.0, longest: 0.0 }, 0.0);
        for node in nodes {
            let (size, cost) = self.node(node)?;
            sum = (sum.0.plus(size), sum.1 + cost);
        }
        Ok(sum)
    }

    fn below(&mut self, node: &AstNode) -> Result<Known, FeelError> {
        let mut below = Vec::new();
        children(node, &mut |child| below.push(child));
        self.children(below.into_iter())
    }

    fn context(&mut self, entries: &[AstNode]) -> Result<Known, FeelError> {
        let before = self.bound.len();
        let mut sum = (Size::ONE, 1.0);
        for entry in entries {
            let AstNode::ContextEntry(key, value) = entry else { continue };
            let (size, cost) = self.node(value)?;
            if let AstNode::ContextEntryKey(name) = &**key {
                self.bound.push((name.to_string(), size));
            }
            sum = (sum.0.plus(size), sum.1 + cost + 2.0 * size.all);
        }
        self.bound.truncate(before);
        Ok(sum)
    }

    fn filter(&mut self, list: &AstNode, body: &AstNode) -> Result<Known, FeelError> {
        let (size, cost) = self.node(list)?;
        let index = |n: &AstNode| matches!(n, AstNode::Numeric(..));
        if index(body) || matches!(body, AstNode::Neg(inner) if index(inner)) {
            return Ok((size, cost + 3.0 * size.all));
        }
        if self.filtered.len() + self.loops >= MAX_ITERATIONS {
            return refuse("iterations are nested too deep");
        }
        let mut round = |element: Size| {
            self.filtered.push(element);
            self.bound.push(("item".to_owned(), element));
            let known = self.node(body);
            self.bound.pop();
            self.filtered.pop();
            known
        };
        let small = round(Size { all: 1.0, longest: size.longest.min(1.0) })?;
        let large = round(size)?;
        Ok((size, cost + 4.0 * size.all + size.longest.max(1.0) * small.1 + large.1))
    }

    /// Size of all results, cost and number of rounds of a body repeated over the contexts.
    ///
    /// The sizes of a list's elements add up to the size of the list, and every bound here grows at least linearly, so
    /// the worst list is one large element among smallest ones: the body is looked at with both.
    fn repeat(&mut self, contexts: &[AstNode], body: &AstNode) -> Result<(Size, f64, f64), FeelError> {
        let Some((first, rest)) = contexts.split_first() else {
            let inner = match body {
                AstNode::EvaluatedExpression(inner) | AstNode::Satisfies(inner) => inner,
                other => other,
            };
            let (size, cost) = self.node(inner)?;
            return Ok((size, cost + 2.0, 1.0));
        };
        if self.loops >= MAX_LOOPS || self.loops + self.filtered.len() >= MAX_ITERATIONS {
            return refuse("iterations are nested too deep");
        }
        let (name, rounds, elements, before) = match first {
            AstNode::IterationContextInterval(name, from, to) => (name, range(from, to)?, None, 0.0),
            AstNode::IterationContextSingle(name, list) | AstNode::QuantifiedContext(name, list) => match &**list {
                AstNode::Range(from, to) => (name, range(from, to)?, None, 0.0),
                list => {
                    let (size, cost) = self.node(list)?;
                    (name, size.longest.max(1.0), Some(size), cost)
                }
            },
            _ => return refuse("iteration"),
        };
        let AstNode::Name(name) = &**name else { return refuse("iteration") };
        let mut round = |element: Size| {
            self.bound.push((name.to_string(), element));
            self.loops += 1;
            let known = self.repeat(rest, body);
            self.loops -= 1;
            self.bound.pop();
            known
        };
        let small = round(Size { all: 1.0, longest: elements.map_or(0.0, |e| e.longest.min(1.0)) })?;
        let large = match elements {
            Some(size) => round(size)?,
            None => small,
        };
        let sum = |one: f64, other: f64| rounds * one + other;
        Ok((
            Size { all: sum(small.0.all, large.0.all), longest: small.0.longest.max(large.0.longest) },
            before + sum(small.1, large.1) + 3.0 * (rounds + elements.map_or(0.0, |e| e.all)),
            rounds * small.2.max(large.2),
        ))
    }

    fn call(&mut self, function: &AstNode, arguments: &AstNode) -> Result<Known, FeelError> {
        let AstNode::Name(name) = function else { return refuse("only built-in functions can be called") };
        let name = name.as_str();
        if !is_built_in_function_name(name) {
            return Err(FeelError::Refused(format!("'{name}' is no built-in function")));
        }
        let arguments: Vec<(Option<&str>, &AstNode)> = match arguments {
            AstNode::PositionalParameters(items) => items.iter().map(|item| (None, item)).collect(),
            AstNode::NamedParameters(items) => items
                .iter()
                .filter_map(|item| match item {
                    AstNode::NamedParameter(name, value) => match &**name {
                        AstNode::ParameterName(name) => Some((Some(name.as_str()), &**value)),
                        _ => None,
                    },
                    _ => None,
                })
                .collect(),
            _ => return refuse("arguments"),
        };
        let mut sizes = Vec::with_capacity(arguments.len());
        let mut cost = 1.0;
        for (_, argument) in &arguments {
            let known = self.node(argument)?;
            sizes.push(known.0);
            cost += known.1;
        }
        let sum = sizes.iter().copied().fold(Size { all: 1.0, longest: 0.0 }, Size::plus);
        let longest = sum.longest + sizes.len() as f64;
        let plain = Size { all: sum.all, longest };
        let (size, work) = match name {
            "count" | "sum" | "min" | "max" | "mean" | "all" | "any" | "product" => (Size::ONE, sum.all),
            "matches" | "replace" | "split" => {
                pattern(&arguments)?;
                let characters = 16.0 * sum.all;
                let replaced = sizes.iter().skip(2).fold(1.0, |product, size| product * size.all);
                let all = if name == "replace" { characters * replaced } else { characters };
                (Size { all, longest: characters }, 2_000.0 + all)
            }
            "union" | "distinct values" | "mode" | "list replace" | "remove" | "index of" | "list contains" => {
                (plain, sum.all * longest)
            }
            "string join" => {
                let all = sizes.iter().skip(1).fold(sum.all, |all, other| all + longest * other.all);
                (Size { all, longest: 0.0 }, all)
            }
            "string" => (Size { all: 4.0 * sum.all, longest: 0.0 }, 8.0 * sum.all),
            "flatten" => (Size { all: sum.all, longest: sum.all }, 4.0 * sum.all),
            "get entries" => (Size { all: 3.0 * sum.all, longest: sum.all }, 3.0 * sum.all),
            "sort" | "median" | "stddev" => (plain, 20.0 * sum.all),
            _ => (plain, 2.0 * sum.all),
        };
        Ok((size, cost + work))
    }
}

/// The number of rounds over a range, whose ends must be written out.
fn range(from: &AstNode, to: &AstNode) -> Result<f64, FeelError> {
    fn number(node: &AstNode) -> Option<f64> {
        match node {
            AstNode::Numeric(before, after, sign, exponent) => {
                let exponent = if exponent.is_empty() { "0" } else { exponent };
                format!("{before}.{after}0e{sign}{exponent}").parse().ok()
            }
            AstNode::Neg(inner) => number(inner).map(|n| -n),
            AstNode::IntervalStart(inner, _) | AstNode::IntervalEnd(inner, _) => number(inner),
            _ => None,
        }
    }
    match (number(from), number(to)) {
        (Some(from), Some(to)) if (to - from).abs() < MAX_RANGE => Ok((to - from).abs() + 1.0),
        (Some(_), Some(_)) => refuse("the range is too long"),
        _ => refuse("the ends of a range to iterate over must be written as numbers"),
    }
}

/// Regular expressions are compiled at each call: they must be short texts, and repeat little.
fn pattern(arguments: &[(Option<&str>, &AstNode)]) -> Result<(), FeelError> {
    let named = arguments.iter().find(|(name, _)| matches!(name, Some("pattern" | "delimiter")));
    match named.or(arguments.get(1).filter(|(name, _)| name.is_none())).map(|(_, node)| *node) {
        Some(AstNode::String(text)) if text.len() <= MAX_PATTERN && text.matches('{').count() <= 2 => Ok(()),
        Some(AstNode::String(_)) => refuse("the regular expression is too costly"),
        _ => refuse("a regular expression must be written as a text"),
    }
}

/// Bounds the depth without recursion.
///
/// # Errors
/// [`FeelError::TooLarge`].
pub(super) fn depth(tree: &AstNode) -> Result<(), FeelError> {
    let mut open = vec![(tree, 0usize)];
    while let Some((node, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return Err(FeelError::TooLarge);
        }
        children(node, &mut |child| open.push((child, depth + 1)));
    }
    Ok(())
}

/// Collects the names that can be variables.
pub(super) fn names(node: &AstNode, into: &mut BTreeSet<String>) {
    match node {
        AstNode::Name(name) | AstNode::QualifiedNameSegment(name) => {
            into.insert(name.to_string());
        }
        AstNode::Path(base, _) => names(base, into),
        _ => children(node, &mut |child| names(child, into)),
    }
}

macro_rules! visit {
    ($name:ident, $doc:literal, $iter:ident, $node:ty, $child:ty) => {
        #[doc = $doc]
        pub(super) fn $name<'n>(node: $node, each: &mut dyn FnMut($child)) {
            use AstNode::*;
            match node {
                EvaluatedExpression(a)
                | Neg(a)
                | ListType(a)
                | RangeType(a)
                | Satisfies(a)
                | UnaryGe(a)
                | UnaryGt(a)
                | UnaryLe(a)
                | UnaryLt(a)
                | UnaryEq(a)
                | UnaryNe(a)
                | IntervalEnd(a, _)
                | IntervalStart(a, _)
                | FunctionBody(a, _) => each(a),
                Add(a, b)
                | And(a, b)
                | ContextEntry(a, b)
                | ContextTypeEntry(a, b)
                | Div(a, b)
                | Eq(a, b)
                | Every(a, b)
                | Exp(a, b)
                | Filter(a, b)
                | For(a, b)
                | FormalParameter(a, b)
                | FunctionDefinition(a, b)
                | FunctionInvocation(a, b)
                | FunctionType(a, b)
                | Ge(a, b)
                | Gt(a, b)
                | In(a, b)
                | InstanceOf(a, b)
                | IterationContextSingle(a, b)
                | Le(a, b)
                | Lt(a, b)
                | Mul(a, b)
                | NamedParameter(a, b)
                | Nq(a, b)
                | Or(a, b)
                | Out(a, b)
                | Path(a, b)
                | QuantifiedContext(a, b)
                | Range(a, b)
                | Some(a, b)
                | Sub(a, b) => {
                    each(a);
                    each(b);
                }
                Between(a, b, c) | If(a, b, c) | IterationContextInterval(a, b, c) => {
                    each(a);
                    each(b);
                    each(c);
                }
                CommaList(items)
                | Context(items)
                | ContextType(items)
                | ExpressionList(items)
                | FormalParameters(items)
                | IterationContexts(items)
                | List(items)
                | NamedParameters(items)
                | NegatedList(items)
                | ParameterTypes(items)
                | PositionalParameters(items)
                | QualifiedName(items)
                | QuantifiedContexts(items) => items.$iter().for_each(each),
                At(_)
                | Boolean(_)
                | ContextEntryKey(_)
                | ContextTypeEntryKey(_)
                | FeelType(_)
                | Irrelevant
                | Name(_)
                | Null
                | Numeric(..)
                | ParameterName(_)
                | QualifiedNameSegment(_)
                | String(_) => {}
            }
        }
    };
}

visit!(children, "Calls `each` for the nodes directly below.", iter, &'n AstNode, &'n AstNode);
visit!(
    children_mut,
    "Calls `each` for the nodes directly below, to change them.",
    iter_mut,
    &'n mut AstNode,
    &'n mut AstNode
);
