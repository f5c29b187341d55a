//! Products and services, and the units in which they are counted.

use kernel::{Cx, Entity, Id, LongText, Money, Result, Rules, choice};

/// A unit of measure.
#[derive(Entity)]
#[entity(name = "product.unit", steady, plain, title = code, read = "*", write = "stock buyer", area = "goods")]
pub struct Unit {
    /// Code on documents.
    #[field(unique, max = 12)]
    pub code: String,
    /// Name.
    pub name: String,
    /// Counted in whole pieces.
    #[field(default = "true")]
    pub counted: bool,
}

choice!(
    /// Whether it is kept in stock.
    ProductKind { Goods = "goods" => "blue", Service = "service" => "grey" }
);
choice!(
    /// Which rate of VAT applies.
    TaxClass { Standard = "standard", Reduced = "reduced", Zero = "zero" }
);

/// Something that is sold or bought: goods, which are kept in stock, or a service, which is not.
#[derive(Entity)]
#[entity(name = "product.product", steady, title = name, read = "*", write = "sales stock buyer", area = "goods")]
pub struct Product {
    /// Code.
    #[field(unique, searchable, max = 60)]
    pub code: String,
    /// Name.
    #[field(searchable, role = "title")]
    pub name: String,
    /// Czech name, for Czech documents.
    pub name_cs: Option<String>,
    /// Goods or service.
    #[field(default = "goods")]
    pub kind: ProductKind,
    /// Unit of measure.
    pub unit: Option<Id<Unit>>,
    /// Rate of VAT.
    #[field(default = "standard")]
    pub tax_class: TaxClass,
    /// Price without tax, where no price list says otherwise.
    #[field(role = "amount")]
    pub price: Option<Money>,
    /// Note.
    pub note: Option<LongText>,
}

impl Rules for Product {
    fn check(_old: Option<&Self>, new: &mut Self, cx: &mut Cx<'_>) -> Result<()> {
        if new.unit.is_none() && cx.writable() {
            new.unit = cx.first::<Unit>(&[("code", "pcs".into())])?.map(|u| u.id);
        }
        Ok(())
    }
}

/// Whether a product is kept in stock.
///
/// # Errors
/// 404 where there is no such product.
pub fn is_goods(cx: &mut Cx<'_>, product: Id<Product>) -> Result<bool> {
    Ok(cx.get(product)?.kind == ProductKind::Goods)
}

/// The units that every company begins with.
pub(crate) fn found(cx: &mut Cx<'_>) -> Result<()> {
    let czech = cx.company().language == kernel::Language::Cs;
    for (code, name, name_cs, counted) in [
        ("pcs", "Piece", "Kus", true),
        ("kg", "Kilogram", "Kilogram", false),
        ("m", "Metre", "Metr", false),
        ("h", "Hour", "Hodina", false),
    ] {
        let name = if czech { name_cs } else { name };
        cx.insert(Unit { code: code.to_owned(), name: name.to_owned(), counted })?;
    }
    Ok(())
}
