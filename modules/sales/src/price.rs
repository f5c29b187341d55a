//! Price lists.

use jiff::civil::Date;
use kernel::{Currency, Cx, Dec, Entity, Id, Result};
use product::Product;

/// A list of prices in a currency, for a time.
#[derive(Entity)]
#[entity(name = "sales.price_list", steady, plain, title = name, read = "*", write = "sales", area = "sales", lines(prices = "sales.price.list"))]
pub struct PriceList {
    /// Name.
    #[field(searchable)]
    pub name: String,
    /// Currency.
    #[field(default = "@currency", max = 3)]
    pub currency: Currency,
    /// First day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Option<Date>,
}

/// A price of a product from a quantity on.
#[derive(Entity)]
#[entity(name = "sales.price", plain, title = product, owner = list)]
pub struct Price {
    /// The list.
    pub list: Id<PriceList>,
    /// Product.
    #[field(indexed)]
    pub product: Id<Product>,
    /// Price of one, without tax.
    #[field(check = "price >= 0")]
    pub price: Dec<6>,
    /// From this quantity.
    pub from_quantity: Option<Dec<6>>,
}

/// The price of a product: of the list for the quantity and day, else the product's own.
///
/// # Errors
/// As reading does.
pub fn price_of(
    cx: &mut Cx<'_>,
    list: Option<Id<PriceList>>,
    product: &Product,
    id: Id<Product>,
    quantity: Dec<6>,
    (date, currency): (Date, Currency),
) -> Result<Option<Dec<6>>> {
    if let Some(list) = list.filter(|l| !l.is_none()) {
        let record = cx.get(list)?;
        let valid =
            record.from.is_none_or(|f| f <= date) && record.to.is_none_or(|t| date <= t) && record.currency == currency;
        if valid {
            let prices = cx.by::<Price>(&[("list", list.into()), ("product", id.into())])?;
            let reached = prices.iter().filter(|p| p.from_quantity.is_none_or(|f| f <= quantity));
            if let Some(best) = reached.max_by_key(|p| p.from_quantity) {
                return Ok(Some(best.price));
            }
        }
    }
    product.price.filter(|p| p.currency == currency).map(finance::price_of).transpose()
}
