//! The HTTP face: health for machines, an API for the CLI, agents and scripts.
//!
//! Bound to the loopback interface by default. The health endpoints are open; everything else needs
//! the bearer token from the data directory. Host and Origin are checked, so that a web page
//! elsewhere cannot reach the API through its visitor's browser.

pub mod affording;
pub mod alerts;
pub mod api;
pub mod balance;
pub mod console;
pub mod described;
pub mod forecast;
pub mod gate;
pub mod goals;
pub mod guard;
mod headers;
pub mod health;
pub mod limits;
pub mod listeners;
mod meters;
pub mod metrics;
pub mod narrator;
mod observe;
pub mod odometer;
pub mod otlp;
pub mod overload;
pub mod peer;
pub mod people;
pub mod plain;
pub mod problem;
pub mod quota;
pub mod reconcile;
pub mod refusals;
pub mod serve;
pub mod size;
pub mod socket;
pub mod system;
pub mod tenants;
pub mod tls;
pub mod tokens;
pub mod usage;
pub mod vault;
pub mod webhooks;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::system::tree::Supervised;
use crate::telemetry::metrics::Metrics;

use described::check;
use guard::Guard;
use refusals::Refusals;

pub use described::openapi;

/// What the handlers of a tenant work with.
#[derive(Clone)]
pub struct App {
    /// The running system.
    pub system: Arc<Supervised>,
    /// What is measured.
    pub metrics: Metrics,
}

/// A tenant's whole router, guarded by the token, with `beside`: the routes of other faces, guarded alike.
pub fn router(app: &App, guard: &Guard, refusals: Refusals, beside: Router) -> Router {
    // One for all tenants: the description is the same.
    static OPERATIONS: LazyLock<Arc<check::Operations>> =
        LazyLock::new(|| Arc::new(check::Operations::of(openapi)));
    let operations = OPERATIONS.clone();
    let known = axum::middleware::from_fn_with_state(operations, check::note);
    let (open, _) = health_routes().with_state(app.clone()).split_for_parts();
    let open = open.method_not_allowed_fallback(problem::method_not_allowed).layer(known.clone());
    let open = open.layer(axum::middleware::map_response(|answer: Response| plain::told_to(None, answer)));
    let (api, _) = api_routes().with_state(app.clone()).split_for_parts();
    let (scraped, _) = metrics_routes().with_state(app.clone()).split_for_parts();
    let scraped = scraped.method_not_allowed_fallback(problem::method_not_allowed).layer(known.clone());
    let limit = RequestBodyLimitLayer::new(size::MAX_BODY);
    let api = api
        .layer(limit)
        .layer(known)
        // These count what they read themselves, so that they can answer in their own protocol.
        .merge(beside)
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(overload::Gate::default(), overload::admit))
        .merge(scraped)
        .layer(axum::middleware::from_fn_with_state(guard.clone(), guard::require_scope));
    let takes_telemetry = app.system.queries.settings.current().config.otlp.enabled;
    let telemetry = takes_telemetry.then(|| otlp::routes(app.clone(), guard.clone()));
    open.layer(axum::middleware::from_fn_with_state(guard.clone(), health::tell_who_asks))
        .merge(api)
        .layer(axum::middleware::from_fn_with_state(guard.hosts(), guard::check_host_and_origin))
        // These come from elsewhere, by another name, and are guarded by their signature.
        .merge(webhooks::routes(app.clone()).layer(limit))
        .layer(axum::middleware::from_fn(size::check))
        // Exports are longer than what people and agents send, and have limits and a gate of their own.
        .merge(telemetry.unwrap_or_default())
        .layer(axum::middleware::from_fn(headers::add))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(axum::middleware::from_fn_with_state(refusals, refusals::count))
        .layer(axum::middleware::from_fn(observe::observe))
}

fn health_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health::live)).routes(routes!(health::ready))
}

fn metrics_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(metrics::exposition))
}

fn api_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(api::status))
        .routes(routes!(api::spend))
        .routes(routes!(api::budgets))
        .routes(routes!(api::set_budget, api::remove_budget))
        .routes(routes!(api::events))
        .routes(routes!(api::explain))
        .routes(routes!(api::replay))
        .routes(routes!(api::verify))
        .routes(routes!(api::head))
        .routes(routes!(api::backup))
        .routes(routes!(api::export))
        .routes(routes!(api::import))
        .routes(routes!(api::look))
        .routes(routes!(api::tell_usage))
        .routes(routes!(usage::what_if, usage::reprice))
        .routes(routes!(usage::lacking))
        .routes(routes!(usage::projects))
        .routes(routes!(usage::alias, usage::unalias))
        .routes(routes!(usage::refused))
        .routes(routes!(balance::balances, balance::read))
        .routes(routes!(odometer::odometers, odometer::record))
        .routes(routes!(odometer::metered, odometer::stop))
        .routes(routes!(balance::top_up))
        .routes(routes!(affording::can_afford))
        .routes(routes!(forecast::forecast))
        .routes(routes!(forecast::backtest))
        .routes(routes!(affording::cost))
        .routes(routes!(
            affording::virtual_budget,
            affording::set_virtual_budget,
            affording::remove_virtual_budget
        ))
        .routes(routes!(affording::grant_override))
        .routes(routes!(limits::list, limits::ask))
        .routes(routes!(limits::grant))
        .routes(routes!(limits::refuse))
        .routes(routes!(limits::withdraw))
        .routes(routes!(limits::end))
        .routes(routes!(tokens::list, tokens::issue))
        .routes(routes!(tokens::rotate))
        .routes(routes!(tokens::revoke))
        .routes(routes!(tenants::keep::list))
        .routes(routes!(tenants::keep::add, tenants::keep::remove))
        .routes(routes!(quota::quotas, quota::record))
        .routes(routes!(people::shown))
        .routes(routes!(reconcile::reconcile))
        .routes(routes!(reconcile::reported))
        .routes(routes!(gate::gate, gate::answer_hook))
        .routes(routes!(gate::statusline, gate::tell_statusline))
        .routes(routes!(console::read))
        .routes(routes!(goals::goals))
        .routes(routes!(goals::set_goal))
        .routes(routes!(goals::close_goal))
        .routes(routes!(goals::add_datapoint))
        .routes(routes!(goals::feeds))
        .routes(routes!(goals::start_feed, goals::stop_feed))
        .routes(routes!(alerts::alerts))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(alerts::check_alerts))
        .routes(routes!(alerts::consents, alerts::consent))
        .routes(routes!(narrator::narrator))
        .routes(routes!(narrator::activity))
        .routes(routes!(vault::vault))
        .routes(routes!(vault::undo))
        .routes(routes!(vault::tasks))
        .routes(routes!(vault::daily, vault::log_session))
        .routes(routes!(system::actors))
        .routes(routes!(system::drill))
        .routes(routes!(system::sources))
        .routes(routes!(system::incidents))
        .routes(routes!(system::reload))
        .routes(routes!(described::document::document))
}
