package httpedge

import (
	"mime"
	"mime/multipart"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
)

// formOnly refuses an upload that is not a form.
func (a *API) formOnly(ctx huma.Context, next func(huma.Context)) {
	media, _, err := mime.ParseMediaType(humafiber.UnwrapV2(ctx).Get(fiber.HeaderContentType))
	if err != nil || media != fiber.MIMEMultipartForm {
		a.refuse(ctx, problem(codeMediaType, "Send the file as a field of multipart/form-data, without a Content-Encoding."))
		return
	}
	next(ctx)
}

// otherFields returns a problem for the fields that an upload's form does not take, so that no misspelt field goes
// unnoticed.
func otherFields(form *multipart.Form) error {
	var wrong []FieldError
	for name := range form.Value {
		if name != "kind" {
			wrong = append(wrong, FieldError{In: "form", Name: name, Detail: "unexpected field"})
		}
	}
	for name, files := range form.File {
		if name != "file" {
			wrong = append(wrong, FieldError{In: "form", Name: name, Detail: "unexpected file"})
		} else if len(files) > 1 {
			wrong = append(wrong, FieldError{In: "form", Name: name, Detail: "expected one file"})
		}
	}
	if wrong == nil {
		return nil
	}
	p := problem(codeInvalid)
	p.Errors = wrong
	return p
}
