package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// OTLP over HTTP in JSON, as https://opentelemetry.io/docs/specs/otlp/ has it.
// OpenTelemetry's own exporter brings gRPC and the generated code of protobuf
// along: see docs/decisions/0039-traces.md.

type otlpRequest struct {
	ResourceSpans []otlpResource `json:"resourceSpans"`
}

type otlpResource struct {
	Resource struct {
		Attributes []otlpAttribute `json:"attributes"`
	} `json:"resource"`
	ScopeSpans []otlpScope `json:"scopeSpans"`
}

type otlpScope struct {
	Scope struct {
		Name string `json:"name"`
	} `json:"scope"`
	Spans []otlpSpan `json:"spans"`
}

type otlpSpan struct {
	TraceID      string          `json:"traceId"` // in hexadecimal, unlike other bytes of protobuf's JSON
	SpanID       string          `json:"spanId"`
	ParentSpanID string          `json:"parentSpanId,omitempty"`
	Name         string          `json:"name"`
	Kind         int             `json:"kind"`
	Start        string          `json:"startTimeUnixNano"` // numbers of 64 bits are texts
	End          string          `json:"endTimeUnixNano"`
	Attributes   []otlpAttribute `json:"attributes,omitempty"`
	Status       otlpStatus      `json:"status"`
}

type otlpStatus struct {
	Code int `json:"code,omitempty"`
}

type otlpAttribute struct {
	Key   string    `json:"key"`
	Value otlpValue `json:"value"`
}

type otlpValue struct {
	String string `json:"stringValue,omitempty"`
	Int    string `json:"intValue,omitempty"`
}

func otlpAttributes(all []attribute.KeyValue) (list []otlpAttribute) {
	for _, a := range all {
		v := otlpValue{String: a.Value.String()}
		if a.Value.Type() == attribute.INT64 {
			v = otlpValue{Int: strconv.FormatInt(a.Value.AsInt64(), 10)}
		}
		list = append(list, otlpAttribute{Key: string(a.Key), Value: v})
	}
	return list
}

// otlpError is OTLP's number for it; the SDK has another.
const otlpError = 2

func otlpSpanOf(s sdk.ReadOnlySpan) otlpSpan {
	o := otlpSpan{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(),
		Name: s.Name(), Kind: int(s.SpanKind()),
		Start: strconv.FormatInt(s.StartTime().UnixNano(), 10), End: strconv.FormatInt(s.EndTime().UnixNano(), 10),
		Attributes: otlpAttributes(s.Attributes()),
	}
	if s.Parent().HasSpanID() {
		o.ParentSpanID = s.Parent().SpanID().String()
	}
	if s.Status().Code == codes.Error {
		o.Status.Code = otlpError
	}
	return o
}

// exporter posts spans to a collector.
type exporter struct {
	url    string
	client *http.Client
	log    *slog.Logger

	mu   sync.Mutex
	lost int       // spans since the log said so
	said time.Time // zero: never
}

const (
	postTime = 10 * time.Second
	sayEvery = time.Minute
)

func newExporter(collector *url.URL, log *slog.Logger) *exporter {
	return &exporter{url: collector.JoinPath("v1", "traces").String(), log: log, client: &http.Client{
		Timeout:       postTime,
		Transport:     &http.Transport{MaxIdleConns: 1, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: postTime},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ExportSpans is the SDK's. What could not be posted is lost, and said in the
// log once a minute; the SDK would write it to standard error by itself.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	if err := e.post(ctx, spans); err != nil {
		e.lose(ctx, len(spans), err)
	}
	return nil
}

func (e *exporter) lose(ctx context.Context, n int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lost += n; time.Since(e.said) < sayEvery {
		return
	}
	e.log.WarnContext(ctx, "traces are lost: the collector of YOOZAK_TRACES_URL does not take them", "spans", e.lost, "error", err.Error())
	e.lost, e.said = 0, time.Now()
}

func (e *exporter) post(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	var scoped otlpScope
	scoped.Scope.Name = scope
	for _, s := range spans {
		scoped.Spans = append(scoped.Spans, otlpSpanOf(s))
	}
	var all otlpResource
	all.Resource.Attributes, all.ScopeSpans = otlpAttributes(spans[0].Resource().Attributes()), []otlpScope{scoped}
	body, err := json.Marshal(otlpRequest{ResourceSpans: []otlpResource{all}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := e.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // without the URL
			err = u.Err
		}
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	_ = res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("it answers %d", res.StatusCode)
	}
	return nil
}

// Shutdown is the SDK's.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}
