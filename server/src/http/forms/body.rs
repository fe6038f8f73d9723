//! Reads the fields of a form from the body of a request.

use axum::body::Body;
use axum::http::HeaderValue;
use bytes::Bytes;
use vivaz_template::FormField;

/// Maximum number of fields of a form.
const MAX_FIELDS: usize = 1000;

/// Why the fields of a form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormBodyError {
    /// The content type is not that of a form.
    ContentType,
    /// The body has more bytes, or more fields, than the limits allow.
    TooLarge,
    /// The form contains a file.
    File,
    /// The body cannot be decoded.
    Malformed,
}

/// Reads the fields of a form in their order, with the line breaks of the page's client.
///
/// # Errors
/// Returns an error for another content type, a body beyond `max` bytes, and a file.
pub(super) async fn read(
    content_type: Option<&HeaderValue>,
    body: Body,
    max: usize,
) -> Result<Vec<FormField>, FormBodyError> {
    let content_type =
        content_type.and_then(|value| value.to_str().ok()).ok_or(FormBodyError::ContentType)?;
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let boundary = match &*kind {
        "application/x-www-form-urlencoded" => None,
        "multipart/form-data" => {
            Some(multer::parse_boundary(content_type).map_err(|_| FormBodyError::Malformed)?)
        }
        _ => return Err(FormBodyError::ContentType),
    };
    // The only other error is that of a client that has gone.
    let bytes = axum::body::to_bytes(body, max).await.map_err(|_| FormBodyError::TooLarge)?;
    let mut fields = match boundary {
        Some(boundary) => multipart(bytes, boundary).await?,
        None => form_urlencoded::parse(&bytes).into_owned().take(MAX_FIELDS + 1).collect::<Vec<FormField>>(),
    };
    if fields.len() > MAX_FIELDS {
        return Err(FormBodyError::TooLarge);
    }
    // Browsers send CR LF in place of the line breaks that a script reads.
    for (_, text) in &mut fields {
        if text.contains('\r') {
            *text = text.replace("\r\n", "\n").replace('\r', "\n");
        }
    }
    Ok(fields)
}

async fn multipart(bytes: Bytes, boundary: String) -> Result<Vec<FormField>, FormBodyError> {
    let stream = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let mut parts = multer::Multipart::new(stream, boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|_| FormBodyError::Malformed)? {
        let (name, is_file) = (part.name().map(str::to_owned), part.file_name().map(|file| !file.is_empty()));
        let content = part.bytes().await.map_err(|_| FormBodyError::Malformed)?;
        match is_file {
            // A browser sends a control for files without a file as an empty one.
            Some(is_named) if is_named || !content.is_empty() => return Err(FormBodyError::File),
            Some(_) => continue,
            None => {}
        }
        let Some(name) = name else { return Err(FormBodyError::Malformed) };
        if fields.len() > MAX_FIELDS {
            return Err(FormBodyError::TooLarge);
        }
        fields.push((name, String::from_utf8_lossy(&content).into_owned()));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_text(kind: &str, body: &str) -> Result<Vec<FormField>, FormBodyError> {
        read(Some(&HeaderValue::from_str(kind).unwrap()), Body::from(body.to_owned()), 10_000).await
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<FormField> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[tokio::test]
    async fn both_encodings_give_the_same_fields() {
        let expected = Ok(fields(&[("a b", "1\n2"), ("é", "&="), ("a b", "")]));
        let urlencoded = "a+b=1%0D%0A2&%C3%A9=%26%3D&a%20b=";
        let kind = "application/x-www-form-urlencoded; charset=UTF-8";
        assert_eq!(read_text(kind, urlencoded).await, expected);
        let part = |name: &str, text: &str| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let multipart = format!("{}{}{}--x--\r\n", part("a b", "1\r\n2"), part("é", "&="), part("a b", ""));
        assert_eq!(read_text("multipart/form-data; boundary=x", &multipart).await, expected);
    }

    #[tokio::test]
    async fn files_and_other_types_are_refused() {
        let file = |name: &str, content: &str| {
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n{content}\r\n--x--\r\n"
            )
        };
        let multipart = "multipart/form-data; boundary=x";
        assert_eq!(read_text(multipart, &file("a.txt", "")).await, Err(FormBodyError::File));
        assert_eq!(read_text(multipart, &file("", "content")).await, Err(FormBodyError::File));
        assert_eq!(read_text(multipart, &file("", "")).await, Ok(Vec::new()));
        for kind in ["text/plain", "application/json", ""] {
            assert_eq!(read_text(kind, "a=1").await, Err(FormBodyError::ContentType), "{kind}");
        }
        assert_eq!(read(None, Body::from("a=1"), 10).await, Err(FormBodyError::ContentType));
        assert_eq!(read_text("multipart/form-data", "").await, Err(FormBodyError::Malformed));
        assert_eq!(read_text(multipart, "--x\r\nhello").await, Err(FormBodyError::Malformed));
    }

    #[tokio::test]
    async fn bytes_and_fields_are_limited() {
        let kind = "application/x-www-form-urlencoded";
        assert_eq!(read_text(kind, &"a".repeat(10_001)).await, Err(FormBodyError::TooLarge));
        assert_eq!(read_text(kind, &"a&".repeat(1000)).await.map(|fields| fields.len()), Ok(1000));
        assert_eq!(read_text(kind, &"a&".repeat(1001)).await, Err(FormBodyError::TooLarge));
    }
}
