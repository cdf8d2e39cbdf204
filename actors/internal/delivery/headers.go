package delivery

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Limits of an endpoint's own headers.
const (
	mostHeaders   = 20
	longestHeader = 4096 // bytes of a value
)

// hop are the headers that belong to one connection (RFC 9110, 7.6.1), and those that would change how the request is
// framed or answered.
var hop = map[string]bool{
	"connection": true, "keep-alive": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
	"http2-settings": true, "expect": true,
}

// CheckHeaders says whether an endpoint may set these headers; an error is a *GuardError that names the header, never
// its value.
func CheckHeaders(headers map[string]string) error {
	if len(headers) > mostHeaders {
		return refuse(RuleHeader, "there are more than %d headers", mostHeaders)
	}
	seen := make(map[string]string, len(headers))
	for name, value := range headers {
		if err := checkHeader(name, value); err != nil {
			return err
		}
		lower := strings.ToLower(name)
		if other, twice := seen[lower]; twice {
			return refuse(RuleHeader, "%s and %s are the same header", min(name, other), max(name, other))
		}
		seen[lower] = name
	}
	return nil
}

// MergeHeaders are the headers of an endpoint with those of a template, which go before, whatever the case of a name.
func MergeHeaders(endpoint, template map[string]string) map[string]string {
	merged := make(map[string]string, len(endpoint)+len(template))
	for _, headers := range []map[string]string{endpoint, template} {
		for name, value := range headers {
			merged[http.CanonicalHeaderKey(name)] = value
		}
	}
	return merged
}

func checkHeader(name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) || len(name) > 128 {
		return refuse(RuleHeader, "%.40q is no name of a header", name)
	}
	lower := strings.ToLower(name)
	switch {
	case lower == "host" || lower == "content-length":
		return refuse(RuleHeader, "%s follows from the URL and the body", name)
	case hop[lower] || strings.HasPrefix(lower, "proxy-"):
		return refuse(RuleHeader, "%s belongs to the connection", name)
	case strings.HasPrefix(lower, "webhook-"):
		return refuse(RuleHeader, "%s is one of the signature's headers, which begin with webhook-", name)
	case !httpguts.ValidHeaderFieldValue(value):
		return refuse(RuleHeader, "the value of %s has a line break or another control character", name)
	case len(value) > longestHeader:
		return refuse(RuleHeader, "the value of %s is longer than %d bytes", name, longestHeader)
	}
	return nil
}

// oneLine makes a header's value of what a template has written: words of people may have line breaks.
func oneLine(value string) string {
	value = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, value)
	return strings.TrimSpace(cutText(value, longestHeader))
}

// masked stands where the value of a header is not shown.
const masked = "***"

// shownHeaders are the headers of a request as they may be kept and read: an endpoint's own may be secret.
func shownHeaders(sent http.Header, own map[string]string) map[string]string {
	shown := make(map[string]string, len(sent))
	for name, values := range sent {
		if len(values) > 0 {
			shown[strings.ToLower(name)] = values[0]
		}
	}
	for name := range own {
		shown[strings.ToLower(name)] = masked
	}
	return shown
}
