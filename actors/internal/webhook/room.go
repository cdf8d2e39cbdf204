package webhook

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// Deps are what the room works with.
type Deps struct {
	Log        *eventlog.Log
	Aliases    *desk.Aliases
	Policy     delivery.Policy // where attempts may go
	SecretsKey string          // encrypts secrets in storage
	PublicURL  string          // of the desk, without a slash at the end
	Version    string          // of the desk
	Roots      *x509.CertPool  // nil: the system's
	Timeout    time.Duration   // of an attempt; 0: delivery.DefaultTimeout
	Keep       time.Duration   // how long deliveries are kept; 0: forever
	Metrics    prometheus.Registerer
}

// Room is what the endpoints of a node share.
type Room struct {
	Deps
	env      *entity.Env
	client   *delivery.Client
	seals    *sealer
	network  *network
	metrics  *metrics
	backlogs backlogs
	runs     atomic.Int64 // that there were

	attempts context.Context // of all attempts; cut ends them
	cut      context.CancelFunc

	mu   sync.Mutex
	busy int           // attempts whose outcome is not written yet
	idle chan struct{} // closed when busy becomes 0; nil: nobody waits
}

// NewRoom makes the room of a node.
func NewRoom(env *entity.Env, deps Deps) (*Room, error) {
	if deps.SecretsKey == "" {
		return nil, errors.New("webhooks: a key for secrets is needed")
	}
	seals, err := newSealer(deps.SecretsKey)
	if err != nil {
		return nil, err
	}
	r := &Room{
		Deps: deps, env: env, seals: seals, network: newNetwork(env), metrics: newMetrics(deps.Metrics),
		client: delivery.New(delivery.Options{Policy: deps.Policy, Version: deps.Version, Timeout: deps.Timeout, Roots: deps.Roots}),
	}
	r.attempts, r.cut = context.WithCancel(env.Ctx)
	r.backlogs.register(deps.Metrics, env.Now)
	return r, nil
}

// Kind declares the endpoints.
func (r *Room) Kind() *entity.Kind {
	return &entity.Kind{
		Name:     messages.KindWebhook,
		New:      func(h *entity.Host) entity.Entity { return &webhook{Host: h, room: r} },
		Children: attemptSupervision,
		Messages: []entity.Handler{
			// programs
			entity.Replies((*webhook).onCreate), entity.Replies((*webhook).onUpdate), entity.Replies((*webhook).onDelete),
			entity.Replies((*webhook).onRotate), entity.Replies((*webhook).onEnable), entity.Replies((*webhook).onDisable),
			entity.Replies((*webhook).onRetryDelivery), entity.Replies((*webhook).onStartReplay),
			entity.Replies((*webhook).onCancelReplay), entity.Replies((*webhook).onStats),
			// the log, and the sweep
			entity.Takes((*webhook).onAppended), entity.Replies((*webhook).onWake),
			// its children, its timers and what it does beside its turns
			entity.Takes((*webhook).onAttempted), entity.Takes((*webhook).onSaved), entity.Takes((*webhook).onNews),
			entity.Takes((*webhook).onLook), entity.Takes((*webhook).onPublish), entity.Takes((*webhook).onRemove),
			entity.Takes((*webhook).onCleanMore),
		},
	}
}

// attemptSupervision restarts a child that panicked, after 1 s, 2 s, 4 s …, and stops it at the sixth panic; another one
// takes its place. The attempt counts as failed either way.
func attemptSupervision(e *entity.Env) actor.SupervisorStrategy {
	return entity.Backoff(e, "an attempt to deliver an event", time.Second, 10*time.Minute, 5)
}

// Judge says whether an endpoint may have this URL (delivery.Client.Judge).
func (r *Room) Judge(ctx context.Context, url string) error { return r.client.Judge(ctx, url) }

// begin notes that an attempt begins; end, that its outcome is written.
func (r *Room) begin() {
	r.mu.Lock()
	r.busy++
	r.mu.Unlock()
}

func (r *Room) end(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy -= n; r.busy == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// Finish waits until the outcomes of all attempts are written, but no longer than ctx allows. A receiver that needs more
// than a quarter of that time is cut off: its event is sent again at the next start, and others need the rest. Call it when
// no more begin.
func (r *Room) Finish(ctx context.Context) {
	r.mu.Lock()
	if r.busy == 0 {
		r.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	r.idle = idle
	r.mu.Unlock()
	if end, limited := ctx.Deadline(); limited {
		patient, cancel := context.WithTimeout(ctx, time.Until(end)/4)
		defer cancel()
		select {
		case <-idle:
			return
		case <-patient.Done():
			r.cut()
		}
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// Close lets go of connections.
func (r *Room) Close() {
	r.cut()
	r.client.Close()
}

// Test sends the example of a type of event to an endpoint now. The result tells what came of it, whatever the receiver
// did; it counts for nothing.
func (r *Room) Test(ctx context.Context, webhookID, kind string) (*messages.WebhookTested, error) {
	record, err := r.env.Store.Webhook(ctx, webhookID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !record.DeletedAt.IsZero() {
		return &messages.WebhookTested{Code: messages.Code_NOT_FOUND}, nil
	}
	if err != nil {
		return nil, err
	}
	out := &messages.WebhookTested{Code: messages.Code_OK}
	of, known := view.EventTypeOf(kind)
	if !known {
		return &messages.WebhookTested{Code: messages.Code_NOT_FOUND}, nil
	}
	e, err := r.endpointOf(record)
	if err != nil {
		out.Error = err.Error()
		return out, nil
	}
	event := exampleOf(of)
	req, err := r.request(e, event, r.env.Now())
	if err != nil {
		out.Error = "the template can't be filled: " + err.Error()
		return out, nil
	}
	out.Method, out.RequestBody = "POST", string(req.Body)
	if req.Method != "" {
		out.Method = req.Method
	}
	out.Host = hostOf(e.url)
	result := r.client.Do(ctx, req)
	out.Status, out.DurationMs, out.Error = int32(result.Status), result.Duration.Milliseconds(), result.Error
	out.ResponseBody = result.Response
	for _, name := range slices.Sorted(maps.Keys(result.ResponseHeaders)) {
		out.ResponseHeaders = append(out.ResponseHeaders, &messages.HeaderLine{Name: name, Value: result.ResponseHeaders.Get(name)})
	}
	for _, h := range headersOf(result.RequestHeaders) {
		out.RequestHeaders = append(out.RequestHeaders, &messages.HeaderLine{Name: h.Name, Value: h.Value})
	}
	return out, nil
}

// Preview makes the request for the example of a type of event with these templates, and sends nothing. What is wrong with the
// templates is in Faults of the answer. raw nil: the endpoint's own templates.
func (r *Room) Preview(ctx context.Context, webhookID, kind string, raw json.RawMessage) (*messages.WebhookTested, error) {
	record, err := r.env.Store.Webhook(ctx, webhookID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !record.DeletedAt.IsZero() {
		return &messages.WebhookTested{Code: messages.Code_NOT_FOUND}, nil
	}
	if err != nil {
		return nil, err
	}
	of, known := view.EventTypeOf(kind)
	if !known {
		return &messages.WebhookTested{Code: messages.Code_NOT_FOUND}, nil
	}
	out := &messages.WebhookTested{Code: messages.Code_OK}
	if raw != nil {
		record.Templates = raw
	}
	if _, err := delivery.ParseTemplates(record.Templates); err != nil {
		out.Faults = faultsOf(err)
		return out, nil
	}
	e, err := r.endpointOf(record)
	if err != nil {
		out.Error = err.Error()
		return out, nil
	}
	req, err := r.requestBy(e, exampleOf(of), r.env.Now(), e.templates.Try)
	if len(templateErrors(err)) > 0 {
		out.Faults = faultsOf(err)
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.Method, out.Host, out.RequestBody = cmp.Or(req.Method, "POST"), hostOf(e.url), string(req.Body)
	shown, own := map[string]string{"content-type": cmp.Or(req.ContentType, "application/json")}, map[string]string{}
	for name, value := range e.headers {
		own[strings.ToLower(name)] = value
	}
	for name, value := range req.Header {
		name = strings.ToLower(name)
		if secret, has := own[name]; has && value == secret {
			value = desk.MaskedHeader
		}
		shown[name] = value
	}
	for _, h := range headersOf(shown) {
		out.RequestHeaders = append(out.RequestHeaders, &messages.HeaderLine{Name: h.Name, Value: h.Value})
	}
	return out, nil
}

// exampleOf is an example of a type of event.
func exampleOf(of view.EventType) delivery.Envelope {
	v := of.Example()
	e := delivery.Envelope{ID: v.ID, Type: v.Type, Timestamp: view.ExampleTime.Time, Data: v.Data}
	if v.TicketID != nil {
		e.TicketID, e.Number = *v.TicketID, *v.Number
	}
	return e
}
