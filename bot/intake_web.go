package bot

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// web answers with an address at which the person signs in to the web desk, once. "off" ends their sessions instead. In a
// group it says only where to send the command, since everybody there would read the address.
func (h *handling) web(m *Message, c SlashCommand) error {
	if !m.Chat.Private() {
		return h.answer(messages.NoticeWebOnlyPrivate, nil)
	}
	if c.Arg == "off" {
		return h.webOff(m.From)
	}
	if err := h.saveProfile(m.From); err != nil {
		return err
	}
	secret := rand.Text()
	// A repeated update makes another offer, while the chat answers with the first: both are good until they expire.
	offer := &messages.OfferWebSignIn{Origin: h.origin, Hash: messages.HashWebSecret(secret)}
	reply, err := command(h.ctx, h.desk, messages.KindUser, userIdentity(m.From.GetId()), offer)
	if err != nil {
		return err
	}
	if reply.Code != messages.Code_OK {
		return fmt.Errorf("offer to sign in: %w: %s", errNotAccepted, reply.Reason)
	}
	// The secret is in the query, which no log of the desk has.
	query := url.Values{"u": {strconv.FormatInt(m.From.GetId(), 10)}, "t": {secret}}
	args := map[string]string{"url": h.publicURL + messages.WebSignInPath + "?" + query.Encode()}
	if opensHere(h.publicURL) {
		args["local"] = "yes"
	}
	op := h.notice(messages.NoticeWebOffer, args)
	if u, err := url.Parse(h.publicURL); err == nil && u.Scheme == "https" && !opensHere(h.publicURL) {
		op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: []*messages.KeyboardRow{buttonRow(&messages.Button{
			Key: messages.ButtonWebDesk, Url: h.publicURL + messages.WebMiniAppPath, MiniApp: true})}}
	}
	return h.answerWith(op)
}

// opensHere reports whether an address leads to the desk only on its own machine.
func opensHere(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

func (h *handling) webOff(p *messages.Person) error {
	id := userIdentity(p.GetId())
	ended, err := queryOf[*messages.WebSessionsEnded](h.ctx, h.desk, messages.KindUser, id,
		&messages.EndWebSessions{Origin: proto.CloneOf(h.origin)})
	if err != nil {
		return err
	}
	if ended.Count == 0 {
		return h.answer(messages.NoticeWebOffNone, nil)
	}
	return h.answer(messages.NoticeWebOff, map[string]string{"count": strconv.FormatInt(ended.Count, 10)})
}
