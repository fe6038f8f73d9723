//! Lets a component follow the page's URL: when it is mounted, and when the URL has changed.

use crate::component::AnyComponent;
use crate::fault::{guard, guard_now};
use crate::spec::Hook;
use crate::url::UrlParams;
use crate::{MountContext, Result};

/// Reads the bound fields from the URL, then calls `params`. Returns the component, and the fields
/// that changed.
///
/// # Errors
/// Returns the error of `params`.
pub(crate) async fn follow_url(
    mut component: Box<dyn AnyComponent>,
    params: &UrlParams,
    cx: MountContext,
) -> Result<(Box<dyn AnyComponent>, Vec<&'static str>)> {
    let (spec, mut changed) = (component.spec(), Vec::new());
    guard_now("decoding the parameters of a URL", || Ok(component.follow_url(params, &mut changed)?))?;
    if spec.has(Hook::Params) {
        let (limit, params) = (cx.limit(), params.clone());
        let call = component.call_params(params, cx);
        component = guard("`params`", limit, async move {
            let (component, result) = call.await;
            result.map(|()| component)
        })
        .await?;
    }
    Ok((component, changed))
}
