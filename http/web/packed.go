package web

import (
	"bytes"
	"compress/gzip"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// packed are the static files as they travel to browsers that take gzip, by name: without that, a first paint has more than
// 100 kB. Those that get no smaller are not in it. Pages are never compressed: the size of one that shows what somebody else chose,
// such as a search, would tell of the secrets in it, such as the token of its forms.
var packed = sync.OnceValue(func() map[string][]byte {
	all := map[string][]byte{}
	for name := range versions() {
		data, err := embedded.ReadFile("static/" + name)
		if err != nil {
			panic("web: " + err.Error())
		}
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = w.Write(data)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			panic("web: " + err.Error())
		}
		if b.Len() < len(data) {
			all[name] = b.Bytes()
		}
	}
	return all
})

// sendAsset sends a static file, compressed where the browser takes that.
func sendAsset(c *fiber.Ctx, name string, data []byte) error {
	small, ok := packed()[name]
	if !ok {
		return c.Send(data)
	}
	c.Vary(fiber.HeaderAcceptEncoding)
	if !takesGzip(c.Get(fiber.HeaderAcceptEncoding)) {
		return c.Send(data)
	}
	c.Set(fiber.HeaderContentEncoding, "gzip")
	return c.Send(small)
}

// takesGzip reads Accept-Encoding (RFC 9110, 12.5.3). What it is not sure of it takes for no.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(weight, " ", ""), "=")
		return name == "" || strings.EqualFold(name, "q") && strings.Trim(value, "0.") != ""
	}
	return false
}
