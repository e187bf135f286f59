//! OTLP over gRPC, on a port of its own.
//!
//! Codes by OTLP's rules (<https://opentelemetry.io/docs/specs/otlp/#otlpgrpc>): `UNAVAILABLE` for what an exporter should send
//! again, everything else for ever.

use std::sync::Arc;

use axum::http::Extensions;
use axum::serve::Listener;
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
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::domain::access::Scope;
use crate::integration::claude_code::telemetry::{self, Reading};
use crate::integration::otlp::BYTES_MAX;

use super::super::App;
use super::super::guard::{Guard, Refused};
use super::super::listener::Bounded;
use super::{Accepted, BODY_PATIENCE, FORBIDDEN, IN_FLIGHT, UNAUTHORIZED, record};

#[derive(Clone)]
struct Receiver {
    app: App,
    turns: Arc<Semaphore>,
}

impl Receiver {
    async fn take(&self, reading: Reading) -> Result<Accepted, Status> {
        let Ok(_turn) = self.turns.try_acquire() else {
            return Err(Status::unavailable("the supervisor is busy; try again in a moment"));
        };
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

/// Serves until `stopped`.
///
/// # Errors
/// What the transport says.
pub async fn serve(
    listener: TcpListener,
    app: App,
    guard: Guard,
    stopped: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let connections = futures_util::stream::unfold(Bounded::new(listener), |mut listener| async {
        let (connection, _) = listener.accept().await;
        Some((Ok::<_, std::io::Error>(connection), listener))
    });
    let receiver = Receiver { app, turns: Arc::new(Semaphore::new(IN_FLIGHT)) };
    let checked = move |request: Request<()>| {
        let headers = request.metadata().clone().into_headers();
        match guard.may(&headers, &Extensions::new(), Scope::Ingest) {
            Ok(_) => Ok(request),
            Err(Refused::Unknown) => Err(Status::unauthenticated(UNAUTHORIZED)),
            Err(Refused::Scope(_)) => Err(Status::permission_denied(FORBIDDEN)),
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
    Server::builder()
        .timeout(BODY_PATIENCE)
        // Not more of one connection is worked on at once than of all.
        .concurrency_limit_per_connection(IN_FLIGHT)
        .add_service(tonic::service::interceptor::InterceptedService::new(logs, checked.clone()))
        .add_service(tonic::service::interceptor::InterceptedService::new(metrics, checked.clone()))
        .add_service(tonic::service::interceptor::InterceptedService::new(traces, checked))
        .serve_with_incoming_shutdown(connections, stopped)
        .await
}
