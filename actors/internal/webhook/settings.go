package webhook

import (
	"errors"
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// set takes settings into a record, and says what is wrong with them.
func (w *webhook) set(r *storage.Webhook, s *messages.WebhookSettings) (faults []*messages.SettingFault) {
	fault := func(pointer, detail string) {
		faults = append(faults, &messages.SettingFault{Pointer: pointer, Detail: detail})
	}
	if err := delivery.CheckURL(w.room.Policy, s.Url); err != nil {
		fault("/url", err.Error())
	}
	headers, elsewhere := map[string]string{}, r.URL != "" && delivery.Origin(r.URL) != delivery.Origin(s.Url)
	sealed := r.Headers
	r.Headers = nil
	for _, h := range s.Headers {
		if h.Value == desk.MaskedHeader {
			if elsewhere { // whoever may change the URL must not get what it keeps secret
				fault("/headers/"+escaped(h.Name), "the URL leads to another scheme, host or port: send the values of all headers again, "+
					"or leave them out")
				continue
			}
			kept := false
			for _, old := range sealed {
				if strings.EqualFold(old.Name, h.Name) && !kept {
					r.Headers, kept = append(r.Headers, storage.SealedHeader{Name: h.Name, Sealed: old.Sealed}), true
				}
			}
			if !kept {
				fault("/headers/"+escaped(h.Name), "*** keeps the value of a header that the endpoint has, and it has none of this name")
			}
			continue
		}
		headers[h.Name] = h.Value
		r.Headers = append(r.Headers, storage.SealedHeader{Name: h.Name, Sealed: w.room.seals.seal(w.ID, h.Value)})
	}
	named := map[string]string{}
	for _, h := range s.Headers {
		named[h.Name] = "" // those that are kept, too
		if value, sent := headers[h.Name]; sent {
			if err := delivery.CheckHeaders(map[string]string{h.Name: value}); err != nil {
				fault("/headers/"+escaped(h.Name), err.Error())
			}
		}
	}
	if err := delivery.CheckHeaders(named); err != nil && len(faults) == 0 {
		fault("/headers", err.Error()) // one by one they are right: there are too many, or one is there twice
	}
	r.URL, r.Description, r.Format, r.Ordering, r.Content = s.Url, s.Description, s.Format, s.Ordering, s.Content
	r.Events, r.MaxConcurrency, r.MaxPerSecond = s.Events, int(s.MaxConcurrency), s.MaxPerSecond
	r.IncludeInternal, r.Schedule, r.Templates, r.Enabled = s.IncludeInternal, s.Schedule, s.Templates, s.Enabled
	r.Filter = storage.WebhookFilter{GroupIDs: s.GetFilter().GetGroupIds(), Priorities: s.GetFilter().GetPriorities(),
		CreatedBy: s.GetFilter().GetCreatedBy(), Metadata: s.GetFilter().GetMetadata()}
	if len(r.Filter.Metadata) > 0 {
		if _, err := metadataFilter(r.Filter.Metadata); err != nil {
			fault("/filter/metadata", err.Error())
		}
	}
	return append(faults, w.templateFaults(r)...)
}

// templateFaults tries the templates with an example of each type of event that the endpoint hears.
func (w *webhook) templateFaults(r *storage.Webhook) []*messages.SettingFault {
	var heard []view.EventType
	for _, of := range view.EventTypes {
		if filterOf(r).Selects(&storage.Event{Type: of.Type, TicketID: exampleOf(of).TicketID, GroupID: r.GroupID}) {
			heard = append(heard, of)
		}
	}
	return faultsOf(w.room.tryTemplates(r, heard))
}

// tryTemplates fills an endpoint's templates with an example of each of these types, as it would get it.
func (r *Room) tryTemplates(of *storage.Webhook, types []view.EventType) error {
	templates, err := delivery.ParseTemplates(of.Templates)
	if err != nil {
		return err
	}
	examples := make([]delivery.Envelope, 0, len(types))
	for _, one := range types {
		e := exampleOf(one)
		if of.Content == "ids" {
			if short, err := e.IDs(r.addressOf(&e)); err == nil {
				e = short
			}
		}
		examples = append(examples, e)
	}
	return templates.Check(examples)
}

// faultsOf says for whoever writes templates what is wrong with them.
func faultsOf(err error) (faults []*messages.SettingFault) {
	for _, e := range templateErrors(err) {
		detail := e.Why
		if e.Type != "" {
			detail = "for " + e.Type + ": " + detail
		}
		faults = append(faults, &messages.SettingFault{Pointer: "/templates" + e.Pointer, Detail: detail,
			Line: int32(e.Line), Column: int32(e.Column)})
	}
	if err != nil && len(faults) == 0 {
		faults = append(faults, &messages.SettingFault{Pointer: "/templates", Detail: err.Error()})
	}
	return faults
}

// templateErrors takes an error apart that may have several of templates.
func templateErrors(err error) (all []*delivery.TemplateError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, templateErrors(e)...)
		}
		return all
	}
	var e *delivery.TemplateError
	if errors.As(err, &e) {
		all = append(all, e)
	}
	return all
}

// escaped is a name as a part of a JSON pointer.
func escaped(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
