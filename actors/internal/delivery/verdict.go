package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// Verdict is what should follow from an attempt.
type Verdict int

// The verdicts.
const (
	Retry        Verdict = iota // failed: try the event again
	Success                     // delivered
	RetryAndSlow                // failed, and the whole endpoint should be left in peace (429, 502, 503, 504)
	Disable                     // the receiver wants nothing more (410, or webhook-delivery: disable)
	Abort                       // the receiver does not want this event (webhook-delivery: abort-message)
)

var verdictNames = [...]string{"retry", "success", "retry-and-slow", "disable", "abort"}

func (v Verdict) String() string { return verdictNames[v] }

// Kind is what went wrong with an attempt, as metrics count it; "" after a success.
type Kind string

// The kinds. None but HTTP and Disabled are answers; with the others, one can ask whether all endpoints have them.
const (
	HTTP        Kind = "http"        // an answer that is not 2xx
	DNS         Kind = "dns"         // DNS can't say an address
	NoName      Kind = "no_name"     // DNS says that there is none
	Refused     Kind = "refused"     // nobody listens
	Reset       Kind = "reset"       // the connection was lost
	Unreachable Kind = "unreachable" // no way to the host
	TLS         Kind = "tls"         // no trust, or no TLS
	Timeout     Kind = "timeout"     // not finished in time
	Guard       Kind = "guard"       // refused by ourselves
	Protocol    Kind = "protocol"    // the answer is no HTTP
	Stopped     Kind = "stopped"     // the desk has stopped meanwhile
)

// longestWait is the most that Retry-After is taken for.
const longestWait = 24 * time.Hour

// judge draws the verdict from an answer. complete: its body ended, or was as long as we care to read.
func (res *Result) judge(header http.Header, now time.Time, complete bool) {
	wish := strings.ToLower(strings.TrimSpace(header.Get("Webhook-Delivery")))
	good := res.Status >= 200 && res.Status <= 299
	switch {
	case res.Status == http.StatusGone || wish == "disable":
		res.Verdict = Disable
	case good && complete:
		res.Verdict = Success
		return
	case wish == "abort-message":
		res.Verdict = Abort
	case res.Status == http.StatusTooManyRequests, res.Status == http.StatusBadGateway,
		res.Status == http.StatusServiceUnavailable, res.Status == http.StatusGatewayTimeout:
		res.Verdict = RetryAndSlow
	}
	res.Kind = HTTP
	res.Error = fmt.Sprintf("the receiver answered %s", statusText(res.Status))
	switch {
	case wish == "disable" || wish == "abort-message":
		res.Error += " with webhook-delivery: " + wish
	case res.Status >= 300 && res.Status <= 399:
		res.Error += "; redirects are not followed"
	}
	if !good {
		res.RetryAfter = retryAfter(header.Get("Retry-After"), now)
	}
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d %s", status, text)
	}
	return strconv.Itoa(status)
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3), at most longestWait. What is neither counts as nothing.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(longestWait/time.Second) {
			return longestWait
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), longestWait)
}

// fail records what has ended the exchange, in which phase. The verdict of an answer that was seen stands.
func (res *Result) fail(ctx context.Context, err error, phase int32, timeout time.Duration) {
	switch {
	case ctx.Err() != nil:
		res.Kind, res.Error = Stopped, "the attempt was stopped"
	case errors.Is(err, context.DeadlineExceeded):
		res.Kind, res.Error = explainTimeout(phase, res.Status, timeout)
	default:
		res.Kind, res.Error = explain(err)
	}
	if res.Status != 0 {
		res.Error = "the receiver answered " + statusText(res.Status) + ", but " + res.Error
	}
}

func explainTimeout(phase int32, status int, timeout time.Duration) (Kind, string) {
	switch {
	case status != 0:
		return Timeout, fmt.Sprintf("the answer did not end within %s", timeout)
	case phase == phaseResolving:
		return DNS, fmt.Sprintf("DNS did not answer within %s", timeout)
	case phase == phaseConnecting:
		return Timeout, fmt.Sprintf("no connection was made within %s", timeout)
	case phase == phaseHandshake:
		return Timeout, fmt.Sprintf("TLS was not agreed upon within %s", timeout)
	}
	return Timeout, fmt.Sprintf("no answer came within %s", timeout)
}

// explain says in words why there is no answer. It shows neither the URL, which may be secret, nor our resolver's
// address.
func explain(err error) (Kind, string) {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var refusal *GuardError
	var dns *net.DNSError
	switch {
	case errors.As(err, &refusal):
		return Guard, refusal.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return NoName, "DNS knows no address of " + dns.Name
	case errors.As(err, &dns):
		return DNS, explainDNS(dns)
	}
	if words := explainTLS(err); words != "" {
		return TLS, words
	}
	var timed net.Error
	text := err.Error()
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused, "the connection was refused: nobody listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Unreachable, "the host can't be reached"
	case errors.As(err, &timed) && timed.Timeout(), errors.Is(err, syscall.ETIMEDOUT):
		return Timeout, "the connection timed out"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(text, "server closed idle connection"),
		strings.Contains(text, "GOAWAY"), strings.Contains(text, "client connection lost"):
		return Reset, "the connection was lost before the answer was complete"
	case strings.Contains(text, "exceeded") && strings.Contains(text, "header"):
		return Protocol, fmt.Sprintf("the headers of the answer are longer than %d kB", longestAnswerHeader>>10)
	}
	return Protocol, "the answer is not valid HTTP: " + validText([]byte(text), 200)
}

func explainDNS(e *net.DNSError) string {
	if e.IsTimeout {
		return "DNS did not answer in time about " + e.Name
	}
	return "DNS could not say the address of " + e.Name
}

func explainTLS(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch text := err.Error(); {
	case errors.As(err, &unknown):
		return "TLS: the certificate is signed by an authority that is not trusted"
	case errors.As(err, &host):
		return "TLS: the certificate is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "TLS: the certificate has expired or is not valid yet"
	case errors.As(err, &invalid), errors.As(err, &verification):
		return "TLS: the certificate is not valid: " + validText([]byte(text), 200)
	case errors.As(err, &record), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "TLS: the receiver does not speak TLS at this port"
	case errors.As(err, &alert), strings.Contains(text, "tls: "):
		return "TLS: " + validText([]byte(text), 200)
	}
	return ""
}

// validText is at most so many bytes of text, cut between characters, with � for what is not UTF-8.
func validText(text []byte, most int) string {
	return cutText(strings.ToValidUTF8(string(text[:min(len(text), most)]), "\uFFFD"), most)
}

// cutText cuts valid text between characters, to at most so many bytes.
func cutText(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
