//! OTLP over gRPC, on a port of its own.
//!
//! Codes by OTLP's rules (<https://opentelemetry.io/docs/specs/otlp/#otlpgrpc>): `UNAVAILABLE` for what an exporter should send
//! again, everything else for ever.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::Extensions;
use axum::middleware::Next;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::sync::Semaphore;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status};
use tower_http::catch_panic::CatchPanicLayer;

use crate::domain::access::Scope;
use crate::integration::claude_code::telemetry::{self, Reading};
use crate::integration::otlp::BYTES_MAX;

use super::super::App;
use super::super::guard::{Guard, Refused};
use super::super::peer::Peer;
use super::super::problem;
use super::super::refusals::{Refusals, Why};
use super::super::serve::BODY;
use super::{Accepted, FORBIDDEN, IN_FLIGHT, UNAUTHORIZED, record};

#[derive(Clone)]
struct Receiver {
    app: App,
}

impl Receiver {
    async fn take(&self, reading: Reading) -> Result<Accepted, Status> {
        record(&self.app, reading).await.map_err(|error| Status::unavailable(error.to_string()))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let reading = telemetry::logs(request.get_ref(), Timestamp::now());
        Ok(Response::new(self.take(reading).await?.logs()))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let reading = telemetry::metrics(request.get_ref(), Timestamp::now());
        Ok(Response::new(self.take(reading).await?.metrics()))
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        _: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// What is served over HTTP/2.
pub fn router(app: App, guard: Guard, refusals: Refusals) -> Router {
    let receiver = Receiver { app };
    let turns = Arc::new(Semaphore::new(IN_FLIGHT));
    let checked = move |request: Request<()>| {
        let headers = request.metadata().clone().into_headers();
        let refused = |why: Why| {
            // A refusal of gRPC is an answer of HTTP like any other, and not counted with them.
            if let Some(peer) = Peer::of(request.extensions()) {
                refusals.note(why, peer);
            }
        };
        match guard.may(&headers, &Extensions::new(), Scope::Ingest) {
            Ok(_) => Ok(request),
            Err(Refused::Unknown) => {
                refused(Why::Unauthorized);
                Err(Status::unauthenticated(UNAUTHORIZED))
            }
            Err(Refused::Scope(_)) => {
                refused(Why::Forbidden);
                Err(Status::permission_denied(FORBIDDEN))
            }
        }
    };
    let logs = LogsServiceServer::new(receiver.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(BYTES_MAX);
    let metrics = MetricsServiceServer::new(receiver.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(BYTES_MAX);
    let traces = TraceServiceServer::new(receiver)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(BYTES_MAX);
    Routes::new(InterceptedService::new(logs, checked.clone()))
        .add_service(InterceptedService::new(metrics, checked.clone()))
        .add_service(InterceptedService::new(traces, checked))
        .into_axum_router()
        .layer(axum::middleware::from_fn_with_state(turns, in_turn))
        .layer(CatchPanicLayer::custom(problem::panicked))
}

/// So many are worked on at once, from their first byte on: what an export unpacks to is known when it is unpacked. What is too
/// much, or takes too long, may be sent again.
async fn in_turn(
    State(turns): State<Arc<Semaphore>>,
    request: axum::extract::Request,
    next: Next,
) -> axum::response::Response {
    let Ok(_turn) = turns.try_acquire() else {
        return Status::unavailable("the supervisor is busy; try again in a moment").into_http();
    };
    match tokio::time::timeout(BODY, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Status::unavailable("the export did not come in time").into_http(),
    }
}
