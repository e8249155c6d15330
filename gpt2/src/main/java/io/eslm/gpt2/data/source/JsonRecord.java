// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;

/** Finds the document in a JSON object. */
final class JsonRecord {
    private JsonRecord() {
    }

    /** Why an object is no document. */
    static final class NoDocument extends Exception {
        private static final long serialVersionUID = 1;

        NoDocument(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** The document of a text that is one object. */
    static Piece parse(String object, Columns columns) throws NoDocument {
        try (JsonReader in = new JsonReader(new StringReader(object))) {
            in.setStrictness(Strictness.STRICT);
            Piece piece = read(in, columns);
            if (in.peek() != JsonToken.END_DOCUMENT) {
                throw new NoDocument("something follows the object", null);
            }
            return piece;
        } catch (IOException e) {
            throw new NoDocument("it is not a JSON object", e);
        }
    }

    /** The document of the next object. */
    static Piece read(JsonReader in, Columns columns) throws IOException, NoDocument {
        String text = null;
        String domain = null;
        try {
            in.beginObject();
            while (in.hasNext()) {
                String name = in.nextName();
                if (name.equals(columns.text())) {
                    text = once(name, text, in);
                    domain = name.equals(columns.domain()) ? text : domain;
                } else if (name.equals(columns.domain())) {
                    domain = once(name, domain, in);
                } else {
                    in.skipValue();
                }
            }
            in.endObject();
        } catch (IllegalStateException e) { // how Gson says that another token comes
            throw new NoDocument("it is not a JSON object", e);
        }
        if (text == null || columns.domain() != null && domain == null) {
            throw new NoDocument("it has no field \"" + (text == null ? columns.text() : columns.domain()) + '"', null);
        }
        return new Piece(text, true, domain);
    }

    private static String once(String name, String before, JsonReader in) throws IOException, NoDocument {
        if (in.peek() != JsonToken.STRING || before != null) {
            throw new NoDocument(before == null ? "its \"" + name + "\" is not a string"
                    : "it has two fields \"" + name + '"', null);
        }
        return in.nextString();
    }
}
