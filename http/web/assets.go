package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	"github.com/gofiber/fiber/v2"
)

//go:embed static/* templates/* locales/*
var embedded embed.FS

// templates are all pages. They are part of the program, so it panics when they can't be read; no test passes then.
var templates = sync.OnceValue(func() *template.Template {
	funcs := template.FuncMap{"asset": assetPath, "number": number, "millis": millis, "seconds": inSeconds, "bytes": inBytes,
		"join": strings.Join, "exportStyle": exportStyle,
		"priorities": func() []string { return priorities }}
	return template.Must(template.New("").Funcs(funcs).ParseFS(embedded, "templates/*.html"))
})

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".txt": "text/plain; charset=utf-8", ".svg": "image/svg+xml"}

// versions are what the addresses of static files end in, so that browsers may keep them for ever.
var versions = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	names, err := fs.Glob(embedded, "static/*")
	if err != nil {
		panic("web: " + err.Error())
	}
	for _, name := range names {
		data, err := embedded.ReadFile(name)
		if err != nil {
			panic("web: " + err.Error())
		}
		sum := sha256.Sum256(data)
		all[path.Base(name)] = hex.EncodeToString(sum[:6])
	}
	return all
})

func assetPath(name string) string { return "/static/" + name + "?v=" + versions()[name] }

// static serves what every page needs. It is the same for everybody.
func (s *Site) static(c *fiber.Ctx) error {
	name := c.Params("name")
	version, ok := versions()[name]
	if !ok {
		return fiber.ErrNotFound
	}
	data, err := embedded.ReadFile("static/" + name)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, kinds[path.Ext(name)])
	c.Set(fiber.HeaderCacheControl, "no-cache")
	if c.Query("v") == version {
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	return sendAsset(c, name, data)
}

// catalogues are the texts by language.
var catalogues = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, lang := range []string{"en", "th"} {
		texts := map[string]string{}
		for _, name := range []string{lang, lang + ".operations"} {
			data, err := embedded.ReadFile("locales/" + name + ".toml")
			if err == nil {
				err = toml.Unmarshal(data, &texts)
			}
			if err != nil {
				panic("web: " + err.Error())
			}
		}
		all[lang] = texts
	}
	return all
})

func catalogueLang(lang string) string {
	if primary, _, _ := strings.Cut(strings.ToLower(lang), "-"); primary == "th" {
		return "th"
	}
	return "en"
}

// textOf is a text of the catalogue. pairs are names and values of its placeholders, such as {count}. Values are literal.
func textOf(lang, key string, pairs ...any) string {
	text, ok := catalogues()[catalogueLang(lang)][key]
	if !ok {
		return key // a bug; a test checks that each text is there
	}
	var b strings.Builder
	for len(pairs) > 1 {
		before, rest, found := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			break
		}
		b.WriteString(before)
		if i := nameAt(pairs, name); i >= 0 {
			fmt.Fprint(&b, pairs[i+1])
		} else {
			b.WriteString("{" + name + "}")
		}
		text = after
	}
	return b.String() + text
}

// nameAt is where among names and values a name is; -1: nowhere.
func nameAt(pairs []any, name string) int {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == name {
			return i
		}
	}
	return -1
}
