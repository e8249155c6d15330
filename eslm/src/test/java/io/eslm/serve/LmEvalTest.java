// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.eslm.tensor.io.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Requests as lm-eval's local-completions sends them, read as it reads the answers, against what Hugging Face's classes give for the
 * same model: tools/golden/make_serve.py.
 */
class LmEvalTest {
    /** Both compute in single precision, in other orders: up to 1e-7 of the absolute values that are added. */
    private static final double CLOSE = 1e-4;
    private static final Json GOLDEN = Json.read(Path.of("src/test/resources/io/eslm/serve/lm_eval.json"));

    @Test
    void logLikelihoodsEqualHuggingFace() {
        int ended = 0;
        try (Client client = new Client(Map.of(ServeOptions.MODEL_NAME, "model"))) {
            for (Json golden : GOLDEN.children("cases")) {
                JsonArray choices = client.choices(Json.line(golden.child("body").object()));
                List<Integer> lengths = golden.list("context_lengths", Integer.class);
                List<Double> expected = golden.list("log_likelihoods", Double.class);
                List<Boolean> greedy = golden.list("greedy", Boolean.class);
                assertEquals(lengths.size(), choices.size());
                for (int i = 0; i < lengths.size(); i++) {
                    JsonObject choice = choices.get(i).getAsJsonObject();
                    assertEquals(i, choice.get("index").getAsInt());
                    check(choice.getAsJsonObject("logprobs"), lengths.get(i), expected.get(i), greedy.get(i));
                    ended += choice.get("finish_reason").getAsString().equals("stop") ? 1 : 0;
                }
            }
        }
        assertTrue(ended > 0, "some end with the model's end-of-text, which counts as the one new token");
    }

    /** As lm-eval reads it: the last token is the new one, and does not count. */
    private static void check(JsonObject logprobs, int from, double expected, boolean greedy) {
        JsonArray tokens = logprobs.getAsJsonArray("token_logprobs");
        JsonArray tops = logprobs.getAsJsonArray("top_logprobs");
        double sum = 0;
        boolean all = true;
        for (int i = from; i < tokens.size() - 1; i++) {
            double own = tokens.get(i).getAsDouble();
            sum += own;
            all &= own == tops.get(i).getAsJsonObject().asMap().values().stream().mapToDouble(JsonElement::getAsDouble)
                    .max().orElseThrow();
        }
        assertEquals(expected, sum, CLOSE);
        assertEquals(greedy, all);
    }

    @Test
    void textsEqualHuggingFace() {
        try (Client client = new Client(Map.of(ServeOptions.MODEL_NAME, "model"))) {
            for (Json golden : GOLDEN.children("generations")) {
                assertEquals(golden.required("text", String.class),
                        client.text(Json.line(golden.child("body").object())));
            }
        }
    }
}
