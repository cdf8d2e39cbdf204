package view

import (
	"net/url"

	"github.com/topicdesk/topicdesk/messages"
)

// Attachment is a file of a ticket.
type Attachment struct {
	AttachmentID string  `json:"attachmentId" doc:"The file's id. It is opaque: do not parse it." example:"api:mabcdefghijklmnopqrstuvwx.upload"`
	TicketID     string  `json:"ticketId" example:"TICK-MWWK9D73-FBC14E0C"`
	FileName     string  `json:"fileName" doc:"The file's name. It is safe in any file system." example:"report.pdf"`
	FileType     string  `json:"fileType" doc:"What the file is in Telegram: photo, document, video …" example:"document"`
	MimeType     string  `json:"mimeType" doc:"The type that the content has. Before the file is stored: the type that the sender declared." example:"application/pdf"`
	FileSize     int64   `json:"fileSize" doc:"The size in bytes." example:"48213"`
	Width        int64   `json:"width" doc:"The width of an image in pixels; 0 for other files." example:"0"`
	Height       int64   `json:"height" doc:"The height of an image in pixels; 0 for other files." example:"0"`
	State        string  `json:"state" enum:"pending,downloading,stored,refused,failed,infected,removed" doc:"Only a stored file can be downloaded." example:"stored"`
	Reason       string  `json:"reason,omitempty" doc:"Why the file is in this state: refused, failed, infected or removed."`
	DownloadURL  *string `json:"downloadUrl" doc:"The path of the content, to be requested with an API key. null if the file is not stored." example:"/api/v1/attachments/api:mabc.upload/content"`
	ThumbnailURL *string `json:"thumbnailUrl" doc:"The path of the thumbnail. null if there is none."`
	UploadedBy   Creator `json:"uploadedBy" doc:"Who sent the file."`
	CreatedAt    Time    `json:"createdAt" doc:"When the desk recorded the file."`
}

// AttachmentOf is a file.
func AttachmentOf(r *messages.AttachmentRecord) Attachment {
	v := Attachment{
		AttachmentID: r.AttachmentId, TicketID: r.TicketId,
		FileName: r.FileName, FileType: r.FileType, MimeType: r.MimeType, FileSize: r.FileSize,
		Width: r.Width, Height: r.Height, State: r.State, Reason: r.Reason,
		UploadedBy: CreatorOf(r.UploadedBy), CreatedAt: At(r.CreatedMs),
	}
	if r.State == "stored" {
		path := APIPrefix + "/attachments/" + url.PathEscape(r.AttachmentId)
		content, thumbnail := path+"/content", path+"/thumbnail"
		v.DownloadURL = &content
		if r.Thumbnail {
			v.ThumbnailURL = &thumbnail
		}
	}
	return v
}
