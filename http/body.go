package httpedge

import (
	"bytes"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
)

// emptyObject is what some clients send for no body.
var emptyObject = regexp.MustCompile(`^\{\s*\}$`)

// noBody refuses a body where the operation takes none: what the body asks for would not be done. It lets {} pass,
// which some clients send with every POST.
func (a *API) noBody(ctx huma.Context, next func(huma.Context)) {
	if ctx.Operation().RequestBody != nil || ctx.Method() != http.MethodPost {
		next(ctx)
		return
	}
	if sent := bytes.TrimSpace(humafiber.UnwrapV2(ctx).Request().Body()); len(sent) > 0 && !emptyObject.Match(sent) {
		p := problem(codeInvalid)
		p.Errors = []FieldError{{In: "body", Pointer: "#", Detail: "this operation takes no body"}}
		a.refuse(ctx, p)
		return
	}
	next(ctx)
}

// noNulls refuses null where the document does not allow it. huma treats it as a field that was not sent, so
// {"title": null} would change nothing and still be answered as a success.
func (a *API) noNulls(ctx huma.Context, next func(huma.Context)) {
	var media *huma.MediaType
	if body := ctx.Operation().RequestBody; body != nil {
		media = body.Content["application/json"]
	}
	if media == nil || media.Schema == nil {
		next(ctx) // unread: fasthttp would put a form together again, with its files, in memory
		return
	}
	sent := humafiber.UnwrapV2(ctx).Request().Body()
	if !bytes.Contains(sent, []byte("null")) {
		next(ctx)
		return
	}
	var value any
	if jsonFormat.Unmarshal(sent, &value) != nil || value == nil {
		next(ctx) // huma says what is wrong
		return
	}
	if found := a.nullsIn(media.Schema, value, "#"); len(found) > 0 {
		p := problem(codeInvalid)
		p.Errors = found
		a.refuse(ctx, p)
		return
	}
	next(ctx)
}

// nullsIn finds the nulls in a value that its schema does not allow. Other mistakes are left to huma.
func (a *API) nullsIn(s *huma.Schema, value any, at string) (found []FieldError) {
	if s != nil && s.Ref != "" {
		s = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil {
		return nil
	}
	switch v := value.(type) {
	case nil:
		if !s.Nullable && s.Type != "" {
			return []FieldError{{In: "body", Pointer: at,
				Detail: "null is not allowed here: send a value, or leave the field out"}}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if field, sent := v[name]; sent {
				found = append(found, a.nullsIn(s.Properties[name], field, at+"/"+name)...)
			}
		}
	case []any:
		for i, item := range v {
			found = append(found, a.nullsIn(s.Items, item, at+"/"+strconv.Itoa(i))...)
		}
	}
	return found
}
