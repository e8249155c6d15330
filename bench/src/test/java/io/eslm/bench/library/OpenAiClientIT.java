// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.library;

import io.eslm.tensor.backend.Backend;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.tensor.Rng;
import io.eslm.gpt2.Weights;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import io.eslm.gpt2.checkpoint.ModelFolder;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.serve.ApiServer;
import io.eslm.serve.ServeOptions;
import io.eslm.tensor.backend.ScalarBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenAI's own client, against our server. */
class OpenAiClientIT {
    private static final Path MODEL = Path.of("../eslm/src/test/resources/io/eslm/task/model");

    private final List<String> log = new CopyOnWriteArrayList<>();
    private Path keys;
    private ApiServer server;
    private OpenAIClient client;

    @BeforeEach
    void serve(@TempDir Path dir) throws IOException {
        keys = Files.writeString(dir.resolve("keys"), "secret\n");
        serve(ModelFolder.load(MODEL, new ScalarBackend()), 4);
    }

    private void serve(Gpt2 model, int running) {
        OptionValues values = OptionValues.defaults(ServeOptions.GROUP).with(ServeOptions.PORT, 0)
                .with(ServeOptions.API_KEY_FILE, keys).with(ServeOptions.MAX_RUNNING, running)
                .with(ServeOptions.MAX_WAITING, 4);
        server = ApiServer.open(model, ModelFolder.tokenizer(MODEL).orElseThrow(), "small", ServeOptions.of(values),
                log::add);
        client = client("secret");
    }

    private OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder().baseUrl(server.address() + "/v1").apiKey(key).maxRetries(2).build();
    }

    @AfterEach
    void stop() {
        client.close();
        server.close();
    }

    private static CompletionCreateParams.Builder request() {
        return CompletionCreateParams.builder().model("small").prompt("The river ran").maxTokens(12).temperature(0);
    }

    @Test
    void completionsWithLogprobs() {
        Completion answer = client.completions().create(request().echo(true).logprobs(2).build());
        // The client's own check knows no null, which is what the interface has for the first token of a prompt.
        client.completions().create(request().logprobs(2).build()).validate();
        CompletionChoice choice = answer.choices().getFirst();
        assertTrue(choice.text().startsWith("The river ran past the mill"), choice.text());
        assertEquals(CompletionChoice.FinishReason.LENGTH, choice.finishReason());
        CompletionChoice.Logprobs logprobs = choice.logprobs().orElseThrow();
        assertEquals(choice.text(), String.join("", logprobs.tokens().orElseThrow()));
        assertEquals(15, logprobs.textOffset().orElseThrow().size());
        assertEquals(15, answer.usage().orElseThrow().totalTokens());
        Completion ids = client.completions()
                .create(request().promptOfArrayOfTokenArrays(List.of(List.of(277L, 276L, 285L), List.of(277L)))
                        .build());
        assertEquals(choice.text().substring("The river ran".length()), ids.choices().getFirst().text());
        assertEquals(2, ids.choices().size());
        assertEquals("small", client.models().list().data().getFirst().id());
    }

    @Test
    void streaming() {
        String whole = client.completions().create(request().build()).choices().getFirst().text();
        try (StreamResponse<Completion> stream = client.completions().createStreaming(request()
                .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build()).build())) {
            List<Completion> parts = stream.stream().toList();
            assertTrue(parts.size() > 5);
            assertEquals(whole, parts.stream().flatMap(part -> part.choices().stream()).map(CompletionChoice::text)
                    .collect(Collectors.joining()));
            assertEquals(12, parts.getLast().usage().orElseThrow().completionTokens());
        }
        try (StreamResponse<Completion> left = client.completions().createStreaming(request().build())) {
            assertTrue(left.stream().findFirst().isPresent(), "and whoever has read enough goes");
        }
    }

    @Test
    void errors() {
        BadRequestException bad = assertThrows(BadRequestException.class,
                () -> client.completions().create(request().maxTokens(1000).build()));
        assertEquals("context_length_exceeded", bad.code().orElse(""));
        assertEquals("prompt", bad.param().orElse(""));
        assertTrue(Objects.requireNonNull(bad.getMessage()).contains("the model's context has 64 tokens"));
        NotFoundException other = assertThrows(NotFoundException.class,
                () -> client.completions().create(request().model("gpt-5").build()));
        assertEquals("model_not_found", other.code().orElse(""));
        OpenAIClient stranger = client("wrong");
        assertThrows(UnauthorizedException.class, () -> stranger.completions().create(request().build()));
        stranger.close();
    }

    /** Three of four slow texts wait, so there is no place for four more: the client tries again, twice. */
    @Test
    void retries() {
        stop();
        Backend backend = new ScalarBackend();
        Gpt2Config slow = new Gpt2Config(ModelFolder.config(MODEL).values().with(Gpt2Config.N_EMBD, 512)
                .with(Gpt2Config.N_HEAD, 8).with(Gpt2Config.N_LAYER, 4).with(Gpt2Config.BLOCK_SIZE, 512));
        serve(new Gpt2(slow, backend, Weights.random(slow, backend, Rng.of(1))), 1);
        try (StreamResponse<Completion> first =
                client.completions().createStreaming(request().n(4).maxTokens(500).build())) {
            assertTrue(first.stream().findFirst().isPresent(), "one runs");
            assertThrows(RateLimitException.class, () -> client.completions().create(request().n(4).build()));
            assertEquals(3, log.stream().filter(line -> line.contains(" 429 ")).count(), log.toString());
        }
    }
}
