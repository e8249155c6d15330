// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.io.Json;

/**
 * Knows data by its content: a file may have been edited, a JDK updated, and a folder may have moved. Works on the field
 * {@code tokens} of a record.
 */
public final class DataIdentity {
    private static final String CONTENT = "content";

    private DataIdentity() {
    }

    /** Adds what identifies {@code data}. */
    static void add(JsonObject tokens, TokenData data) {
        JsonObject content = new JsonObject();
        for (TokenData.Content part : data.content()) {
            JsonObject o = new JsonObject();
            o.addProperty("bytes", part.bytes());
            o.addProperty("sha256", part.sha256());
            content.add(part.name(), o);
        }
        tokens.add(CONTENT, content);
    }

    /** True if a record says which content it is of; records of the first version count tokens only. */
    public static boolean isKnown(JsonObject tokens) {
        return tokens.has(CONTENT);
    }

    /** Only what identifies the data, and how it became tokens; not where it lies. */
    public static JsonObject of(JsonObject tokens) {
        JsonObject o = new JsonObject();
        o.add("tokenizer", tokens.get("tokenizer"));
        o.add(CONTENT, tokens.get(CONTENT));
        return o;
    }

    /**
     * Checks that data is the same as before.
     *
     * @param data its name now, for the message
     * @throws OptionError if it is not
     */
    static void check(Json record, JsonObject now, String data) {
        JsonObject saved = record.object();
        for (String part : new String[] {"train", "held_out"}) {
            if (now.get(part).getAsLong() != record.count(part)) {
                throw changed(data, part + " was " + record.count(part) + " tokens when the run started, and is "
                        + now.get(part));
            }
            String before = hash(saved, part);
            String after = hash(now, part);
            if (isKnown(saved) && !before.equals(after)) {
                throw changed(data, part + " is as many tokens as when the run started, but not the same ones (hash "
                        + start(after) + ", and it was " + start(before) + ")");
            }
        }
    }

    private static OptionError changed(String data, String how) {
        return new OptionError(Run.DATA, data, "the data has changed: " + how
                + ". Restore the old data, name it where it is now, or start a new run from the model of this one in "
                + "another folder");
    }

    /** "" for a part that there is not. */
    private static String hash(JsonObject tokens, String part) {
        return tokens.get(CONTENT) instanceof JsonObject content && content.get(part) instanceof JsonObject o
                && o.get("sha256") instanceof JsonElement hash && hash.isJsonPrimitive() ? hash.getAsString() : "";
    }

    private static String start(String hash) {
        return hash.substring(0, Math.min(12, hash.length())) + "…";
    }
}
