// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Sampling;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What a request gets. */
class CompletionsTest {
    private static final Client CLIENT = new Client();

    @AfterAll
    static void stop() {
        CLIENT.close();
    }

    private static String usage(JsonObject answer) {
        JsonObject usage = answer.getAsJsonObject("usage");
        return usage.get("prompt_tokens") + " " + usage.get("completion_tokens") + " " + usage.get("total_tokens");
    }

    @Test
    void theTextIsTheGenerators() {
        Sampling sampling = new Sampling(0.9, 20, 0.95, 12, 7);
        int[] prompt = Client.TOKENIZER.encode("A bridge");
        int[] made = new Generator(Client.MODEL, Optional.of(Client.TOKENIZER)).generate(prompt, sampling, _ -> true)
                .tokens();
        String fields = "\"max_tokens\":12,\"temperature\":0.9,\"top_k\":20,\"top_p\":0.95,\"seed\":7}";
        JsonObject answer = CLIENT.complete("{\"model\":\"small\",\"prompt\":\"A bridge\"," + fields);
        assertEquals(Client.TOKENIZER.decode(made),
                answer.getAsJsonArray("choices").get(0).getAsJsonObject().get("text").getAsString());
        assertEquals("text_completion", answer.get("object").getAsString());
        assertTrue(answer.get("id").getAsString().startsWith("cmpl-"));
        assertEquals("small", answer.get("model").getAsString());
        JsonArray ids = new JsonArray();
        for (int id : prompt) {
            ids.add(id);
        }
        for (String same : List.of("[\"A bridge\"]", ids.toString(), "[" + ids + "]")) {
            assertEquals(Client.TOKENIZER.decode(made), CLIENT.text("{\"prompt\":" + same + "," + fields));
        }
    }

    @Test
    void everyPromptHasNChoices() {
        JsonObject answer =
                CLIENT.complete("{\"prompt\":[\"A bridge\",\"The river ran\"],\"n\":3,\"best_of\":3,\"seed\":5,"
                        + "\"max_tokens\":6,\"temperature\":1.5}");
        List<String> texts = new ArrayList<>();
        answer.getAsJsonArray("choices").forEach(c -> texts.add(c.getAsJsonObject().get("text").getAsString()));
        assertEquals(6, texts.size());
        assertNotEquals(texts.get(0), texts.get(1), "each has a seed of its own");
        assertEquals(CLIENT.text("{\"prompt\":\"A bridge\",\"seed\":7,\"max_tokens\":6,\"temperature\":1.5}"),
                texts.get(2));
        int prompts = Client.TOKENIZER.encode("A bridge").length + Client.TOKENIZER.encode("The river ran").length;
        assertTrue(usage(answer).startsWith(prompts + " "), "each prompt counts once: " + usage(answer));
        assertEquals(CLIENT.text("{\"prompt\":\"<|endoftext|>\",\"max_tokens\":9,\"temperature\":0}"),
                CLIENT.text("{\"max_tokens\":9,\"temperature\":0}"), "without a prompt, a new document");
    }

    @Test
    void withoutASeedTextsDiffer() {
        String body = "{\"prompt\":\"A\",\"max_tokens\":30,\"temperature\":2}";
        assertNotEquals(CLIENT.text(body), CLIENT.text(body));
    }

    @Test
    void noNewTokens() {
        JsonObject read = CLIENT.complete("{\"prompt\":\"The river ran\",\"max_tokens\":0}");
        JsonObject choice = read.getAsJsonArray("choices").get(0).getAsJsonObject();
        assertEquals("", choice.get("text").getAsString());
        assertEquals("length", choice.get("finish_reason").getAsString());
        assertEquals("3 0 3", usage(read));
        JsonObject echo = CLIENT.choices("{\"prompt\":\"The river ran\",\"max_tokens\":0,\"echo\":true,\"logprobs\":0}")
                .get(0).getAsJsonObject();
        assertEquals("The river ran", echo.get("text").getAsString());
        JsonObject logprobs = echo.getAsJsonObject("logprobs");
        assertEquals("[\"The\",\" river\",\" ran\"]", logprobs.get("tokens").toString());
        assertEquals("[0,3,9]", logprobs.get("text_offset").toString());
        assertTrue(logprobs.getAsJsonArray("token_logprobs").get(0).isJsonNull());
        assertTrue(logprobs.getAsJsonArray("top_logprobs").get(0).isJsonNull());
        assertEquals(logprobs.getAsJsonArray("token_logprobs").get(2),
                logprobs.getAsJsonArray("top_logprobs").get(2).getAsJsonObject().get(" ran"),
                "with 0, the token itself");
    }

    @Test
    void logprobsNameTheLikeliestAndTheTokenItself() {
        JsonObject logprobs = CLIENT.choices(
                "{\"prompt\":\"A\",\"max_tokens\":20,\"logprobs\":3,\"temperature\":2,\"seed\":3,\"stop\":[]}").get(0)
                .getAsJsonObject().getAsJsonObject("logprobs");
        int beyond = 0;
        for (int i = 0; i < logprobs.getAsJsonArray("tokens").size(); i++) {
            JsonObject top = logprobs.getAsJsonArray("top_logprobs").get(i).getAsJsonObject();
            String token = logprobs.getAsJsonArray("tokens").get(i).getAsString();
            assertEquals(logprobs.getAsJsonArray("token_logprobs").get(i), top.get(token));
            assertTrue(top.size() == 3 || top.size() == 4);
            beyond += top.size() == 4 ? 1 : 0;
        }
        assertTrue(beyond > 0);
    }

    @Test
    void aStopStringEndsTheText() {
        String greedy = "{\"prompt\":\"The river ran\",\"max_tokens\":30,\"temperature\":0";
        assertTrue(CLIENT.text(greedy + "}").startsWith(" past the mill, and past the school"));
        JsonObject answer = CLIENT.complete(greedy + ",\"stop\":[\"l, and p\",\"zz\"]}");
        JsonObject choice = answer.getAsJsonArray("choices").get(0).getAsJsonObject();
        assertEquals(" past the mil", choice.get("text").getAsString());
        assertEquals("stop", choice.get("finish_reason").getAsString());
        assertEquals("3 6 9", usage(answer), "tokens up to the one that completes the stop string");
        assertEquals("", CLIENT.text(greedy + ",\"stop\":\" \"}"));
    }

    @Test
    void aStreamIsTheSameTextInParts() {
        String body = "{\"prompt\":[\"A bridge\",\"élan\"],\"n\":2,\"max_tokens\":25,\"temperature\":1.8,\"seed\":11,"
                + "\"logprobs\":2,\"echo\":true,\"stop\":[\"th\"]";
        JsonObject whole = CLIENT.complete(body + "}");
        List<JsonObject> parts = CLIENT.stream(body + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
        assertEquals(whole.get("usage"), parts.getLast().get("usage"));
        assertEquals(0, parts.getLast().getAsJsonArray("choices").size());
        List<JsonObject> joined = new ArrayList<>();
        for (JsonObject part : parts.subList(0, parts.size() - 1)) {
            assertTrue(part.get("usage").isJsonNull());
            assertEquals(parts.getFirst().get("id"), part.get("id"));
            JsonObject choice = part.getAsJsonArray("choices").get(0).getAsJsonObject();
            join(joined, choice, choice.get("index").getAsInt());
        }
        assertEquals(whole.getAsJsonArray("choices").toString(), joined.toString().replace("}, {", "},{"));
        assertFalse(CLIENT.stream("{\"stream\":true,\"max_tokens\":2}").getFirst().has("usage"));
    }

    /** Appends the part to its choice. */
    private static void join(List<JsonObject> choices, JsonObject part, int index) {
        while (choices.size() <= index) {
            choices.add(null);
        }
        JsonObject choice = choices.get(index);
        if (choice == null) {
            choices.set(index, part);
            return;
        }
        choice.addProperty("text", choice.get("text").getAsString() + part.get("text").getAsString());
        JsonObject logprobs = choice.getAsJsonObject("logprobs");
        part.getAsJsonObject("logprobs").asMap()
                .forEach((list, more) -> logprobs.getAsJsonArray(list).addAll(more.getAsJsonArray()));
        choice.add("finish_reason", part.get("finish_reason"));
    }
}
