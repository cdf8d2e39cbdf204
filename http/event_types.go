package httpedge

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

const schemaRef = "#/components/schemas/"

// EventType is a type of event, as GET /events/types lists it.
type EventType struct {
	Type        string        `json:"type" example:"ticket.created"`
	Description string        `json:"description" doc:"When it happens." example:"A ticket was opened."`
	Schema      string        `json:"schema" doc:"Where the API's document (/openapi.json) has its schema." example:"#/components/schemas/TicketCreatedEvent"`
	Example     view.Envelope `json:"example"`
}

func (a *API) eventTypeOperations() {
	register(a, op{
		id: "listEventTypes", method: http.MethodGet, path: "/events/types",
		tag: tagEvents, summary: "List the types of events", scope: messages.ScopeEventsRead,
		description: "Lists every type of event with its schema and an example. Types are only ever added, and so are the " +
			"fields of each.",
		answer: List[EventType]{Data: []EventType{eventTypeOf(view.EventTypes[0])}},
	}, a.listEventTypes)
}

type eventTypesOutput struct {
	Body List[EventType]
}

func (a *API) listEventTypes(context.Context, *call, *struct{}) (*eventTypesOutput, error) {
	out := &eventTypesOutput{Body: List[EventType]{Data: make([]EventType, 0, len(view.EventTypes))}}
	for _, e := range view.EventTypes {
		out.Body.Data = append(out.Body.Data, eventTypeOf(e))
	}
	return out, nil
}

func eventTypeOf(e view.EventType) EventType {
	return EventType{Type: e.Type, Description: e.When, Schema: schemaRef + e.Schema(), Example: e.Example()}
}

// describeEvents adds every type of event to the document, as a request that the desk sends to whoever subscribes.
func (a *API) describeEvents() {
	doc := a.huma.OpenAPI()
	view.AddSchemas(doc.Components.Schemas)
	doc.Components.Schemas.Map()["Envelope"] = view.AnyEvent() // for the feed and the lists of events
	doc.Webhooks = map[string]*huma.PathItem{}
	for _, e := range view.EventTypes {
		doc.Webhooks[e.Type] = &huma.PathItem{Post: &huma.Operation{
			OperationID: "on" + strings.TrimSuffix(e.Schema(), "Event"), Tags: []string{tagEvents},
			Summary: e.Type, Description: e.When, Security: []map[string][]string{},
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {
				Schema: &huma.Schema{Ref: schemaRef + e.Schema()}, Example: e.Example()}}},
			Responses: map[string]*huma.Response{"2XX": {Description: "Taken. Any other answer is a failure, and the event " +
				"is sent again later."}},
		}}
	}
}
