//! What is sold and bought: products, services, units.

mod product;

use kernel::{Module, entity};

pub use product::{Product, ProductKind, TaxClass, Unit, is_goods};

/// What the module owns.
pub static MODULE: Module = Module {
    name: "product",
    entities: &[entity::<Unit>(), entity::<Product>()],
    catalogues: &[("en", include_str!("../i18n/en.toml")), ("cs", include_str!("../i18n/cs.toml"))],
    views: &[("product.product", include_str!("product.view.toml")), ("product.unit", include_str!("unit.view.toml"))],
    found: &[product::found],
    ..Module::BASE
};
