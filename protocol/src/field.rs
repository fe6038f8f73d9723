//! The fields of the envelope as a closed enum.

use crate::words::field;

/// A field of the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvelopeField {
    V,
    Type,
    Reference,
    Ack,
    ComponentId,
    Topic,
    Rev,
    Epoch,
    Action,
    Set,
    Result,
    By,
    Topics,
    Payload,
}

impl EnvelopeField {
    /// All fields except `v` and `type`. In the compact form a field's code is its index here.
    pub(crate) const CODED: [Self; 12] = [
        Self::Reference,
        Self::Ack,
        Self::ComponentId,
        Self::Topic,
        Self::Rev,
        Self::Epoch,
        Self::Action,
        Self::Set,
        Self::Result,
        Self::By,
        Self::Topics,
        Self::Payload,
    ];

    /// Returns the word on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V => field::V,
            Self::Type => field::TYPE,
            Self::Reference => field::REF,
            Self::Ack => field::ACK,
            Self::ComponentId => field::COMPONENT_ID,
            Self::Topic => field::TOPIC,
            Self::Rev => field::REV,
            Self::Epoch => field::EPOCH,
            Self::Action => field::ACTION,
            Self::Set => field::SET,
            Self::Result => field::RESULT,
            Self::By => field::BY,
            Self::Topics => field::TOPICS,
            Self::Payload => field::PAYLOAD,
        }
    }

    /// Parses a word; `None` if it is not a field of the envelope.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            field::V => Self::V,
            field::TYPE => Self::Type,
            field::REF => Self::Reference,
            field::ACK => Self::Ack,
            field::COMPONENT_ID => Self::ComponentId,
            field::TOPIC => Self::Topic,
            field::REV => Self::Rev,
            field::EPOCH => Self::Epoch,
            field::ACTION => Self::Action,
            field::SET => Self::Set,
            field::RESULT => Self::Result,
            field::BY => Self::By,
            field::TOPICS => Self::Topics,
            field::PAYLOAD => Self::Payload,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::EnvelopeField;

    #[test]
    fn words_and_fields_agree_both_ways() {
        for field in EnvelopeField::CODED.into_iter().chain([EnvelopeField::V, EnvelopeField::Type]) {
            assert_eq!(EnvelopeField::parse(field.as_str()), Some(field));
        }
        assert_eq!(EnvelopeField::parse("Ref"), None);
    }
}
