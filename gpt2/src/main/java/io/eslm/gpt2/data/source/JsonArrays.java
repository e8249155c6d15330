// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.util.function.Consumer;

/** A JSON array of objects, one of whose fields is a document. */
final class JsonArrays implements DocumentReader {
    private final Columns columns;

    JsonArrays(Columns columns) {
        this.columns = columns;
    }

    @Override
    public void read(SourceFile.Opened file, Consumer<Batch> sink) throws IOException {
        Collector batch = new Collector(file, sink);
        long number = 0;
        try (Utf8Reader chars = new Utf8Reader(file.stream());
                JsonReader in = new JsonReader(chars)) {
            in.setStrictness(Strictness.STRICT);
            if (in.peek() != JsonToken.BEGIN_ARRAY) {
                throw new UserError(file.place()
                        + ": is no JSON array. Choose format=jsonl if each line is an object of its own.");
            }
            in.beginArray();
            while (in.hasNext()) {
                number++;
                chars.allow(Batch.MAX_RECORD);
                batch.add(JsonRecord.read(in, columns));
            }
            in.endArray();
            if (in.peek() != JsonToken.END_DOCUMENT) {
                throw new UserError(file.place() + ": something follows the array.");
            }
            batch.flush();
        } catch (JsonRecord.NoDocument e) {
            throw new UserError(file.place() + ", element " + number + ": is no document: " + e.getMessage()
                    + ". Each must be an object like {\"" + columns.text() + "\": \"…\"}.", e);
        }
    }
}
