//! Views of lists that people keep for themselves or share: a name for a way to look at an entity.

use kernel::{Cx, Entity, Error, Fields, Id, Operation, Rec, Result, Run, Value};

use crate::user::User;

/// Most views that one person keeps of one entity.
const MOST: usize = 50;
/// Most views of an entity that are looked through.
const SEEN: usize = 500;

/// A way to look at the records of an entity that somebody kept. Nobody reads those of others, by `platform.view.list`.
#[derive(Entity)]
#[entity(name = "platform.view", plain, by_operation, title = name, indexed(entity))]
pub struct View {
    /// The entity.
    #[field(max = 100)]
    pub entity: String,
    /// Name.
    #[field(max = 60)]
    pub name: String,
    /// Filters, columns and order, as they stand in the address of the list.
    #[field(max = 4000)]
    pub address: String,
    /// Everybody sees it.
    pub shared: bool,
    /// Who made it.
    pub owner: Id<User>,
}

/// Keeps a way to look at a list, or changes one that was kept.
#[derive(Operation)]
#[operation(name = "platform.view.keep", allow = "*", inverse = "platform.view.forget")]
pub struct KeepView {
    /// The one to change; a new one without.
    pub view: Option<Id<View>>,
    /// The entity.
    #[field(max = 100)]
    pub entity: String,
    /// Name.
    #[field(max = 60)]
    pub name: String,
    /// Filters, columns and order, as they stand in the address of the list.
    #[field(max = 4000)]
    pub address: String,
    /// Everybody sees it.
    pub shared: bool,
}

/// The view that was kept.
#[derive(Fields)]
pub struct KeptView {
    /// The view.
    pub view: Id<View>,
}

/// Loads a view that who acts may change: its own, and administrators those that are shared.
fn own(cx: &mut Cx<'_>, id: Id<View>) -> Result<Rec<View>> {
    let view = cx.get(id)?;
    let (mine, admin) = (view.owner.raw() == cx.who().user, cx.who().is_admin());
    if mine || (view.shared && admin) {
        Ok(view)
    } else if view.shared {
        Err(Error::refused("platform.view_of_another"))
    } else {
        Err(Error::not_found(View::NAME, id.raw()))
    }
}

impl Run for KeepView {
    type Output = KeptView;
    fn run(self, cx: &mut Cx<'_>) -> Result<KeptView> {
        if let Some(id) = self.view {
            let mut view = own(cx, id)?;
            if view.entity != self.entity {
                return Err(Error::field("entity", "platform.view_entity"));
            }
            (view.name, view.address, view.shared) = (self.name, self.address, self.shared);
            cx.save(&mut view)?;
            return Ok(KeptView { view: id });
        }
        let schema = cx.schema().clone();
        schema
            .plan(&self.entity)
            .map_err(|_| Error::field("entity", "no_entity").with("value", self.entity.as_str()))?;
        let who = cx.who().user;
        if who == 0 {
            return Err(Error::forbidden("platform.user"));
        }
        let there = cx.by::<View>(&[("entity", Value::from(self.entity.as_str()))])?;
        if there.iter().filter(|view| view.owner.raw() == who).count() >= MOST {
            return Err(Error::refused("platform.too_many_views").with("most", MOST));
        }
        let view = cx.insert(View {
            entity: self.entity,
            name: self.name,
            address: self.address,
            shared: self.shared,
            owner: Id::new(who),
        })?;
        Ok(KeptView { view })
    }
}

/// Throws a view away.
#[derive(Operation)]
#[operation(name = "platform.view.forget", allow = "*", no_inverse = "The view is kept once more.")]
pub struct ForgetView {
    /// The view.
    pub view: Id<View>,
}

impl Run for ForgetView {
    type Output = ();
    fn run(self, cx: &mut Cx<'_>) -> Result<()> {
        let view = own(cx, self.view)?;
        cx.delete_loaded(&view)
    }
}

/// One's own views of an entity and those that are shared.
#[derive(Operation)]
#[operation(name = "platform.view.list", allow = "*", read)]
pub struct ListViews {
    /// The entity.
    #[field(max = 100)]
    pub entity: String,
}

/// A view.
#[derive(Fields)]
pub struct ViewRow {
    /// The view.
    pub view: Id<View>,
    /// Name.
    pub name: String,
    /// Filters, columns and order, as they stand in the address of the list.
    pub address: String,
    /// Everybody sees it.
    pub shared: bool,
    /// Who asks may change it.
    pub own: bool,
}

/// Views.
#[derive(Fields)]
pub struct Views {
    /// The views.
    pub views: Vec<ViewRow>,
}

impl Run for ListViews {
    type Output = Views;
    fn run(self, cx: &mut Cx<'_>) -> Result<Views> {
        let (who, admin) = (cx.who().user, cx.who().is_admin());
        let mut views = Vec::new();
        for view in cx.by::<View>(&[("entity", Value::from(self.entity.as_str()))])?.into_iter().take(SEEN) {
            let mine = view.owner.raw() == who;
            if mine || view.shared {
                views.push(ViewRow {
                    view: view.id,
                    name: view.name.clone(),
                    address: view.address.clone(),
                    shared: view.shared,
                    own: mine || admin,
                });
            }
        }
        Ok(Views { views })
    }
}

/// The kept views that name a field, or are of an entity.
pub(crate) fn that_use(defined: &kernel::Defined<'_>, cx: &mut Cx<'_>) -> Result<Vec<kernel::AnyRef>> {
    // What is written as %22 and the like in an address stands between names.
    let plain = |address: &str| {
        let mut parts = address.split('%');
        let mut text = parts.next().unwrap_or("").to_owned();
        for part in parts {
            text.push(' ');
            text.push_str(part.get(2..).unwrap_or(""));
        }
        text
    };
    let views = cx.by::<View>(&[])?.into_iter().filter(|view| !view.archived);
    let uses = views.filter(|view| match defined.field {
        Some(_) => defined.named_in(&plain(&view.address)),
        None => view.entity == defined.entity,
    });
    Ok(uses.map(|view| view.id.into()).collect())
}
