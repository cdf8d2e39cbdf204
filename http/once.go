package httpedge

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

const (
	headerIdempotency = "Idempotency-Key"
	headerReplayed    = "Idempotent-Replayed"
)

// keptHeaders are the headers that are kept with an answer.
var keptHeaders = []string{fiber.HeaderContentType, fiber.HeaderLocation, fiber.HeaderETag}

// once carries out a POST with an Idempotency-Key once (docs/decisions.md, D10). The same request gets the same
// answer for 24 hours, also after a restart. If the service is killed between the effect and the answer, the repeated
// request becomes the same command, which entities carry out once, and the answer is made again.
//
// Nothing is kept of a request that was refused before it had an effect, or that failed because of the service: it
// may be corrected and sent again with the same Idempotency-Key.
func (a *API) once(ctx huma.Context, next func(huma.Context)) {
	c := humafiber.UnwrapV2(ctx)
	key := c.Get(headerIdempotency)
	if c.Method() != http.MethodPost || len(c.Request().Header.PeekAll(headerIdempotency)) == 0 {
		next(ctx)
		return
	}
	if !plainKey(key) {
		p := problem(codeInvalid)
		p.Errors = []FieldError{{In: "header", Name: headerIdempotency, Detail: "1 to 255 visible ASCII characters"}}
		a.refuse(ctx, p)
		return
	}
	call := ctx.Context().Value(callKey{}).(*call)
	sum := sha256.Sum256([]byte(key))
	begin := &messages.BeginRequest{Request: hex.EncodeToString(sum[:]), Fingerprint: fingerprint(c),
		Attempt: rand.Text()}
	begun, err := ask[*messages.RequestBegun](ctx.Context(), a, messages.KindAPIKey, call.key.KeyId, begin)
	if err != nil {
		a.fail(ctx, err)
		return
	}
	switch begun.State {
	case messages.RequestBegun_IN_PROGRESS:
		a.refuse(ctx, problem(codeInProgress))
		return
	case messages.RequestBegun_DIFFERENT:
		a.refuse(ctx, problem(codeKeyReused))
		return
	case messages.RequestBegun_ANSWERED:
		a.answerAgain(ctx, call, begun.Answer)
		return
	}
	// The command's id depends on the request, too, so that another request with this Idempotency-Key, after a crash
	// or a day, is not taken for this one.
	command := sha256.Sum256(append(sum[:], begin.Fingerprint...))
	call.commandID = "api:" + call.key.KeyId + ":" + hex.EncodeToString(command[:])
	call.repeatable = true
	end := &messages.EndRequest{Request: begin.Request, Fingerprint: begin.Fingerprint, Attempt: begin.Attempt}
	defer func() { // after a panic, too: else a repeated request would hear that this one is in progress
		ctx := context.WithoutCancel(ctx.Context()) // the answer is kept even if the request was cancelled
		if _, err := ask[*messages.Reply](ctx, a, messages.KindAPIKey, call.key.KeyId, end); err != nil {
			a.log.Warn("an answer could not be kept; a repeated request becomes the same command", "error", err)
		}
	}()
	next(ctx)
	end.Answer = a.kept(c, opOf(ctx), call)
}

// kept returns what is kept of the answer. It is nil if nothing is kept.
func (a *API) kept(c *fiber.Ctx, o *op, call *call) *messages.KeptAnswer {
	status := c.Response().StatusCode()
	refused := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout,
		http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity, http.StatusTooManyRequests}
	if status >= http.StatusInternalServerError || slices.Contains(refused, status) {
		return nil
	}
	answer := &messages.KeptAnswer{Status: int32(status), Body: bytes.Clone(c.Response().Body())}
	for _, name := range keptHeaders {
		if value := c.GetRespHeader(name); value != "" {
			answer.Headers = append(answer.Headers, &messages.HeaderLine{Name: name, Value: value})
		}
	}
	if o.sealed && status < http.StatusBadRequest {
		sealed, err := seal(call.token, answer.Body)
		if err != nil {
			a.log.Error("an answer that holds a secret can't be kept", "error", err)
			return nil
		}
		answer.Body, answer.Sealed = sealed, true
	}
	return answer
}

func (a *API) answerAgain(ctx huma.Context, call *call, answer *messages.KeptAnswer) {
	c := humafiber.UnwrapV2(ctx)
	body := answer.Body
	if answer.Sealed {
		var err error
		if body, err = unseal(call.token, body); err != nil {
			a.refuse(ctx, problem(codeAnswerSealed))
			return
		}
	}
	for _, h := range answer.Headers {
		c.Set(h.Name, h.Value)
	}
	c.Set(headerReplayed, "true")
	ctx.SetStatus(int(answer.Status))
	_, _ = ctx.BodyWriter().Write(body)
}

// fingerprint is a hash that only the same request has. Of a form it hashes the fields: the boundary between them is
// another one each time, and a large file is not read into memory for it.
func fingerprint(c *fiber.Ctx) []byte {
	h := sha256.New()
	media := c.Get(fiber.HeaderContentType)
	if kind, _, err := mime.ParseMediaType(media); err == nil {
		media = kind
	}
	for _, part := range [][]byte{[]byte(c.Method()), c.Request().RequestURI(), []byte(media)} {
		h.Write(part)
		h.Write([]byte{0})
	}
	if form, err := c.Context().MultipartForm(); err == nil {
		hashForm(h, form)
	} else {
		h.Write(c.Request().Body())
	}
	return h.Sum(nil)
}

func hashForm(h io.Writer, form *multipart.Form) {
	for _, name := range slices.Sorted(maps.Keys(form.Value)) {
		_, _ = fmt.Fprintf(h, "%q=%q\n", name, form.Value[name])
	}
	for _, name := range slices.Sorted(maps.Keys(form.File)) {
		for _, file := range form.File[name] {
			_, _ = fmt.Fprintf(h, "%q=%q %d\n", name, file.Filename, file.Size)
			if content, err := file.Open(); err == nil { // otherwise the handler fails to open it, too
				_, _ = io.Copy(h, content)
				_ = content.Close()
			}
		}
	}
}

func plainKey(key string) bool {
	if key == "" || len(key) > 255 {
		return false
	}
	for i := range len(key) {
		if key[i] < 0x21 || key[i] > 0x7e {
			return false
		}
	}
	return true
}

// seal encrypts an answer that holds a secret. The key to it is made from the API key that sent the request, which is
// not stored: the database alone does not reveal the secret (docs/decisions.md, D11).
func seal(token string, body []byte) ([]byte, error) {
	aead, err := sealer(token)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, body, nil), nil
}

func unseal(token string, sealed []byte) ([]byte, error) {
	aead, err := sealer(token)
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("too short")
	}
	return aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], nil)
}

func sealer(token string) (cipher.AEAD, error) {
	key := sha256.Sum256([]byte("topicdesk answer/" + token))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// asProblem turns an error into a problem, so that its code can be compared. It is not what the client sees: see
// problemOf.
func asProblem(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return problem(codeInternal)
}
