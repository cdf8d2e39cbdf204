package httpedge

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"

	"github.com/topicdesk/topicdesk/messages"
)

// queryValues refuses parameters that the operation does not take, and a second value for one that takes one: to ignore
// them would answer something else than was asked. For a parameter that takes several values, a,b and repeating it are the
// same.
func (a *API) queryValues(ctx huma.Context, next func(huma.Context)) {
	args := humafiber.UnwrapV2(ctx).Request().URI().QueryArgs()
	given := map[string][]string{}
	for name, value := range args.All() {
		given[string(name)] = append(given[string(name)], string(value))
	}
	var faults []FieldError
	for name, values := range given {
		i := slices.IndexFunc(ctx.Operation().Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
		switch {
		case i < 0:
			faults = append(faults, FieldError{In: "query", Name: messages.Shorten(name, 80), Detail: "there is no such parameter here"})
		case len(values) == 1:
		case ctx.Operation().Parameters[i].Schema.Type == huma.TypeArray:
			args.Del(name)
			args.Set(name, strings.Join(values, ","))
		default:
			faults = append(faults, FieldError{In: "query", Name: name, Detail: "it takes one value, and was given several"})
		}
	}
	if len(faults) > 0 {
		slices.SortFunc(faults, func(a, b FieldError) int { return strings.Compare(a.Name, b.Name) })
		p := problem(codeInvalid)
		p.Errors = faults[:min(len(faults), maxErrors)]
		a.refuse(ctx, p)
		return
	}
	next(ctx)
}

// oneOrSeveral says in which field a message has values of which it had one at most before, so that an older node
// understands one as it did.
func oneOrSeveral(values []string) (one string, several []string) {
	if len(values) == 1 {
		return values[0], nil
	}
	return "", values
}

// each returns the values, each once.
func each(values []string) []string {
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}
