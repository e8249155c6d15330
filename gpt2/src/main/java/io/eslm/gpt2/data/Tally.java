// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Counts the documents that are left out of a preparation. */
public final class Tally {
    private long empty;
    private long twice;
    private long otherLength;

    /** Documents without text. */
    public void empty(long more) {
        empty += more;
    }

    /** Documents whose text was there before. */
    public void twice(long more) {
        twice += more;
    }

    /** Documents that are too short or too long. */
    public void otherLength(long more) {
        otherLength += more;
    }

    /** In words, separated by commas; empty if nothing is left out. */
    public String words() {
        List<String> words = new ArrayList<>();
        add(words, twice, "that were there before");
        add(words, otherLength, "too short or too long");
        add(words, empty, "empty");
        return String.join(", ", words);
    }

    private static void add(List<String> words, long n, String what) {
        if (n > 0) {
            words.add(String.format(Locale.ROOT, "%,d %s", n, what));
        }
    }

    JsonObject toJson() {
        JsonObject json = new JsonObject();
        json.addProperty("empty", empty);
        json.addProperty("twice", twice);
        json.addProperty("other_length", otherLength);
        return json;
    }

    void read(Json json) {
        empty = json.count("empty");
        twice = json.count("twice");
        otherLength = json.count("other_length");
    }
}
