package web

import (
	"bufio"
	"context"
	"errors"
	"mime"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	exportPage     = 50              // messages that are in memory at once
	exportAtMost   = 32 << 20        // bytes without pictures: what comes after is left out
	picturesAtMost = 24 << 20        // bytes of all pictures of an export, as they are stored; a third more in the file
	exportWithin   = 5 * time.Minute // in which it must have left
	exportsAtMost  = 8               // at the same time on this node, one of a person or a key
	exportAgain    = "10"            // seconds after which somebody may ask again
)

// exports are those for whom one is being made, by the id of their session.
type exports struct {
	mu  sync.Mutex
	now map[string]bool
}

var errExportBusy = &failure{status: http.StatusServiceUnavailable, text: "export_busy"}

func (e *exports) begin(who string) (end func(), ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now[who] || len(e.now) >= exportsAtMost {
		return nil, false
	}
	if e.now == nil {
		e.now = map[string]bool{}
	}
	e.now[who] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.now, who)
	}, true
}

// exported is a ticket that is being written into a file, message by message, as the person may see it.
type exported struct {
	*view
	s     *Site
	of    *session
	page  *ticketPage
	zone  *time.Location
	made  time.Time
	w     *deadlined
	Left  leftOut
	Files []*messages.AttachmentRecord // of the description
}

// leftOut is what is not in an export.
type leftOut struct {
	Messages bool  `json:"messages"` // those after the last one, since there were too many
	Pictures int64 `json:"pictures"` // of which the file has only the name
	Files    int64 `json:"files"`    // likewise; JSON has none
}

// format writes an export in one form.
type format interface {
	begin(ctx context.Context) error
	message(ctx context.Context, m said, former []version) error
	end(broke bool) error
}

func (s *Site) exportHTML(c *fiber.Ctx, of *session) error {
	return s.export(c, of, "html", "text/html; charset=utf-8", func(x *exported) format { return &htmlExport{exported: x} })
}

func (s *Site) exportJSON(c *fiber.Ctx, of *session) error {
	return s.export(c, of, "json", fiber.MIMEApplicationJSONCharsetUTF8, func(x *exported) format { return &jsonExport{exported: x} })
}

// export answers with a file that has a ticket as the person may see it. It is written as it is read, so that a long ticket takes
// no memory.
func (s *Site) export(c *fiber.Ctx, of *session, extension, kind string, in func(*exported) format) error {
	may, err := s.mayRead(c.UserContext(), of, c.Params("id"))
	if err != nil {
		return err
	}
	if may.partly { // who they are decides what the file has
		return s.refuse(c, http.StatusServiceUnavailable, "refused_cannot_ask")
	}
	done, ok := s.exports.begin(of.ID())
	if !ok {
		c.Set(fiber.HeaderRetryAfter, exportAgain)
		return errExportBusy
	}
	x := &exported{view: &view{Lang: languageOf(c, of), Session: of}, s: s, of: of, zone: zoneOf(c), made: s.o.Now(),
		page: &ticketPage{TicketRecord: may.ticket, may: may}}
	asExport(c, may.ticket.Number, extension, kind)
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer done()
		ctx, cancel := context.WithTimeout(context.Background(), exportWithin)
		defer cancel()
		x.w = &deadlined{w: w, conn: conn}
		if err := x.write(ctx, in(x)); err != nil {
			s.log.Debug("an export of the web desk broke off", "ticket", may.ticket.TicketId, "error", err)
		}
	})
	return nil
}

// asExport makes the answer a file that no browser shows as a page of ours.
func asExport(c *fiber.Ctx, number int64, extension, kind string) {
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, mime.FormatMediaType("attachment",
		map[string]string{"filename": "ticket-" + strconv.FormatInt(number, 10) + "." + extension}))
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; sandbox; frame-ancestors 'none'")
	c.Set("X-Accel-Buffering", "no") // of nginx, which would keep all of it
}

// write writes all of it. What breaks off says so, as far as it can: the answer has begun.
func (x *exported) write(ctx context.Context, f format) error {
	first, err := x.read(ctx, fromTheFirst)
	if err != nil {
		return errors.Join(err, f.end(true))
	}
	x.Files = first.DescriptionFiles
	if err := f.begin(ctx); err != nil {
		return err
	}
	for next := first; ; {
		if err := x.messages(ctx, f, next); err != nil {
			return errors.Join(err, f.end(true))
		}
		if len(next.Messages) < exportPage || x.Left.Messages {
			return errors.Join(f.end(false), x.w.w.Flush())
		}
		if err := x.still(ctx); err != nil {
			return errors.Join(err, f.end(true))
		}
		if next, err = x.read(ctx, next.Messages[len(next.Messages)-1].Message.Sequence); err != nil {
			return errors.Join(err, f.end(true))
		}
	}
}

func (x *exported) read(ctx context.Context, after int64) (*messages.WebTimeline, error) {
	return ask[*messages.WebTimeline](ctx, x.s, messages.KindQuery, "",
		&messages.ListWebTimeline{TicketId: x.page.TicketId, After: after, Limit: exportPage})
}

// still returns an error unless the person is signed in and may see the ticket yet, and Telegram says how much of it.
func (x *exported) still(ctx context.Context) error {
	select {
	case <-x.s.o.Ending:
		return errors.New("the service stops")
	default:
	}
	if err := x.s.still(ctx, x.of); err != nil {
		return err
	}
	may, err := x.s.mayRead(ctx, x.of, x.page.TicketId)
	switch {
	case err != nil:
		return err
	case may.partly:
		return errors.New("of a group, Telegram does not say who the person is")
	}
	x.page.may = may
	return nil
}

// messages writes a page of them.
func (x *exported) messages(ctx context.Context, f format, page *messages.WebTimeline) error {
	titles, err := x.s.titlesOf(ctx, x.page.may, page.Messages)
	if err != nil {
		return err
	}
	x.page.Group = titles[x.page.GroupId]
	for _, one := range page.Messages {
		m, seen := x.page.saidOf(one, x.of, titles, page.Waiting)
		if !seen {
			continue
		}
		if x.w.written-x.w.pictures > exportAtMost {
			x.Left.Messages = true
			return nil
		}
		var former []version
		if m.Former > 0 && !m.Deleted && !m.Hidden {
			whole, err := x.s.messageAt(ctx, x.page.may, strconv.FormatInt(m.Sequence, 10))
			if err != nil {
				return err
			}
			former = x.page.may.versionsOf(whole, x.of, "")
		}
		if err := f.message(ctx, m, former); err != nil {
			return err
		}
	}
	return nil
}

// deadlined writes to a browser, which must go on taking what is written.
type deadlined struct {
	w        *bufio.Writer
	conn     net.Conn
	armed    time.Time
	written  int64
	pictures int64 // of which they are, encoded
}

func (d *deadlined) Write(b []byte) (int, error) {
	if now := time.Now(); now.Sub(d.armed) > time.Second {
		if err := d.conn.SetWriteDeadline(now.Add(streamWrite)); err != nil {
			return 0, err
		}
		d.armed = now
	}
	n, err := d.w.Write(b)
	d.written += int64(n)
	return n, err
}
