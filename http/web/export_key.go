package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/gofiber/fiber/v2"
)

// keyExport is a ticket with all its messages, as the API shows them to a key: {"ticket": …, "messages": […], "leftOut": …}. Like the one
// for people it is written page by page, and does not parse where it breaks off.
type keyExport struct {
	site      *Site
	of        *session
	requestID string
	messages  string // their path in the API
	w         *deadlined
}

// exportTicket answers with a file that has a ticket as the key could read it.
func (o *operator) exportTicket() error {
	if !o.may(scopeMessagesRead) {
		return &failure{http.StatusForbidden, "operations_scope", []any{"scope", scopeMessagesRead}}
	}
	path := "/tickets/" + o.param("id")
	ticket, err := o.send(http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	var named keyTicket
	if err := json.Unmarshal(ticket.Body, &named); err != nil {
		return fmt.Errorf("read a ticket of the API: %w", err)
	}
	done, ok := o.site.exports.begin(o.of.ID())
	if !ok {
		o.c.Set(fiber.HeaderRetryAfter, exportAgain)
		return errExportBusy
	}
	asExport(o.c, named.Number, "json", fiber.MIMEApplicationJSONCharsetUTF8)
	x := &keyExport{site: o.site, of: o.of, requestID: o.c.GetRespHeader(fiber.HeaderXRequestID),
		messages: path + "/messages?limit=" + strconv.Itoa(exportPage)}
	conn := o.c.Context().Conn()
	o.c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer done()
		ctx, cancel := context.WithTimeout(context.Background(), exportWithin)
		defer cancel()
		x.w = &deadlined{w: w, conn: conn}
		if err := x.write(ctx, ticket.Body); err != nil {
			x.site.log.Debug("an export of the web desk broke off", "ticket", named.TicketID, "error", err)
		}
	})
	return nil
}

func (x *keyExport) write(ctx context.Context, ticket []byte) error {
	if err := x.put(`{"ticket":`, string(ticket), `,"messages":[`); err != nil {
		return err
	}
	left, before := false, "\n"
	for path := x.messages; path != "" && !left; {
		page, err := x.page(ctx, path)
		if err != nil {
			return err
		}
		for _, m := range page.Data {
			if left = x.w.written > exportAtMost; left {
				break
			}
			if err := x.put(before, string(m)); err != nil {
				return err
			}
			before = ",\n"
		}
		if path = ""; page.NextCursor != nil {
			path = atCursor(x.messages, *page.NextCursor)
		}
	}
	if err := x.put(fmt.Sprintf("\n],\"leftOut\":{\"messages\":%v}}\n", left)); err != nil {
		return err
	}
	return x.w.w.Flush()
}

func (x *keyExport) put(all ...string) error {
	for _, text := range all {
		if _, err := io.WriteString(x.w, text); err != nil {
			return err
		}
	}
	return nil
}

// page reads some messages, as long as the session lasts, with what the key may see by now.
func (x *keyExport) page(ctx context.Context, path string) (*list[json.RawMessage], error) {
	select {
	case <-x.site.o.Ending:
		return nil, errors.New("the service stops")
	default:
	}
	of, err := x.site.check(ctx, x.of.ID(), x.of.secret, true)
	switch {
	case err != nil:
		return nil, err
	case of == nil:
		return nil, errors.New("the session has ended")
	}
	answer, err := x.site.askAPI(ctx, &APIRequest{Key: of.key, Method: http.MethodGet, Path: path, RequestID: x.requestID})
	if err != nil {
		return nil, err
	}
	found := &list[json.RawMessage]{}
	if err := json.Unmarshal(answer.Body, found); err != nil {
		return nil, fmt.Errorf("read messages of the API: %w", err)
	}
	return found, nil
}
