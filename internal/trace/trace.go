// Package trace tells an OpenTelemetry collector what a request waited for: the
// hash, each statement of SQL, and the mails that it caused, when they go out.
//
// Guarantees:
//
//   - Turned off it costs a look into the context, and no memory.
//   - A span has names that stand in this program, numbers, and the id of a
//     request, which is in the log, too. It has no setter for other texts: no
//     address, path, token, parameter of SQL or text of an error gets into one.
//   - A collector that is slow or gone holds nobody up: spans are dropped.
package trace

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
)

// Options configure a [Tracer].
type Options struct {
	Collector *url.URL // spans are posted to /v1/traces of it
	Percent   int      // of the requests that are traced, unless a proxy has decided
	Version   string   // of this program
	Log       *slog.Logger
}

// Tracer begins traces. The nil Tracer begins none.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   otel.Tracer
}

// scope is the library's name in OpenTelemetry's words.
const scope = "github.com/yoozak/clients"

// New makes a Tracer, or nil where there is no collector.
func New(o Options) *Tracer {
	if o.Collector == nil {
		return nil
	}
	p := sdk.NewTracerProvider(
		sdk.WithBatcher(newExporter(o.Collector, o.Log)),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(float64(o.Percent)/100))),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "yoozak"), attribute.String("service.version", o.Version))),
	)
	return &Tracer{provider: p, tracer: p.Tracer(scope)}
}

// stopTime is how long a collector may take for the last spans.
const stopTime = 3 * time.Second

// Stop posts the spans that wait.
func (t *Tracer) Stop() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the exporter has said what was lost
}

// Span is a part of a trace. The zero Span is none.
type Span struct{ span otel.Span }

// Request begins the span of a request. Of a proxy that is trusted it is believed
// which trace the request belongs to, and whether it is traced.
func (t *Tracer) Request(r *http.Request, trusted bool) (*http.Request, Span) {
	if t == nil {
		return r, Span{}
	}
	ctx := r.Context()
	if trusted {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	ctx, span := t.tracer.Start(ctx, "request", otel.WithSpanKind(otel.SpanKindServer))
	return r.WithContext(ctx), Span{span}
}

// Answered ends the span of a request.
func (s Span) Answered(route, method, requestID string, status int) {
	if s.span == nil || !s.span.IsRecording() {
		return
	}
	s.span.SetName(route)
	s.span.SetAttributes(attribute.String("http.request.method", knownMethod(method)), attribute.String("http.route", route),
		attribute.String("yoozak.request_id", requestID), attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

// knownMethod is what a client may have made up.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

// Mail begins the span of an attempt to deliver a mail, in the trace of the
// request that caused it, as [Cause] gave it.
func (t *Tracer) Mail(ctx context.Context, cause, kind string, attempt int) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceParent: cause})
	ctx, span := t.tracer.Start(ctx, "mail", otel.WithSpanKind(otel.SpanKindConsumer),
		otel.WithAttributes(attribute.String("yoozak.mail.kind", kind), attribute.Int("yoozak.mail.attempt", attempt)))
	return ctx, Span{span}
}

const traceParent = "traceparent"

// Cause is what is kept of a trace that goes on later; empty: there is none.
func Cause(ctx context.Context) string {
	if !otel.SpanFromContext(ctx).IsRecording() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[traceParent]
}

// Step begins a part of what the context is about. Its name is a constant.
func Step(ctx context.Context, name string) (context.Context, Span) {
	return step(ctx, name, otel.SpanKindInternal)
}

// SQL is [Step] for what is asked of the database: by its name in this program,
// not by its text or parameters.
func SQL(ctx context.Context, engine, op string) (context.Context, Span) {
	ctx, s := step(ctx, op, otel.SpanKindClient)
	if s.span != nil {
		s.span.SetAttributes(attribute.String("db.system.name", engine))
	}
	return ctx, s
}

func step(ctx context.Context, name string, kind otel.SpanKind) (context.Context, Span) {
	parent := otel.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, otel.WithSpanKind(kind))
	return ctx, Span{span}
}

// End ends a span. Of an error it tells that there was one: its text may hold
// what somebody typed.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}
