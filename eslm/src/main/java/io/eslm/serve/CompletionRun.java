// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.eslm.gpt2.generate.BusyException;
import io.eslm.gpt2.generate.Generation;
import io.eslm.gpt2.generate.Listener;
import io.eslm.gpt2.generate.Request;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.generate.Sequence;
import io.eslm.gpt2.generate.TokenLogprobs;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Makes the choices of one request. The generator's thread only queues what happened; the thread that calls {@link #next} makes
 * text of it. Closing it frees the places of sequences that still run.
 */
final class CompletionRun implements AutoCloseable {
    /** What happened to a choice. */
    private sealed interface Event {
        int choice();
    }

    private record Read(int choice, List<TokenLogprobs> positions) implements Event {
    }

    /** @param last whether it is end-of-text */
    private record Token(int choice, int id, TokenLogprobs logprobs, boolean last) implements Event {
    }

    private record End(int choice, Generation.End end, Throwable error) implements Event {
    }

    private final ServedModel model;
    private final CompletionRequest request;
    private final String id;
    private final long created = System.currentTimeMillis() / 1000;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final List<Choice> choices = new ArrayList<>();
    private final List<Sequence> sequences = new ArrayList<>();
    private final boolean[] ended;
    private int running;
    private boolean begun;

    /**
     * Queues the sequences.
     *
     * @throws ApiError if too many wait already
     */
    CompletionRun(ServedModel model, CompletionRequest request, String id) {
        this.model = model;
        this.request = request;
        this.id = id;
        ended = new boolean[request.choices()];
        try {
            for (int i = 0; i < ended.length; i++) {
                submit(i);
            }
        } catch (BusyException e) {
            close();
            throw ApiError.busy(e.getMessage());
        } catch (UserError e) {
            close();
            throw ApiError.server(503, "stopping", "the server is stopping");
        }
    }

    private void submit(int i) {
        CompletionRequest.Prompt prompt = request.prompts().get(i / request.n());
        choices.add(new Choice(i, prompt, request, model.tokenizer()));
        Sampling sampling = new Sampling(request.temperature(), request.topK(), request.topP(), request.maxTokens(),
                request.seed() + i % request.n());
        boolean reads = request.echo() && request.logprobs() >= 0;
        sequences.add(model.generator().submit(new Request(prompt.ids(), sampling, request.logprobs(), reads),
                new Listener() {
                    @Override
                    public void onPrompt(List<TokenLogprobs> positions) {
                        events.add(new Read(i, positions));
                    }

                    @Override
                    public boolean onToken(int token, TokenLogprobs logprobs) {
                        return events.add(new Token(i, token, logprobs, false));
                    }

                    @Override
                    public void onEndOfText(TokenLogprobs logprobs) {
                        events.add(new Token(i, logprobs.id(), logprobs, true));
                    }

                    @Override
                    public void onEnd(Generation.End end, Throwable error) {
                        events.add(new End(i, end, error));
                    }
                }));
        running++;
    }

    /** True if nothing more comes. */
    boolean done() {
        return running == 0;
    }

    /** True if the model has begun to answer: the request no longer waits for its turn. */
    boolean begun() {
        return begun;
    }

    /**
     * Waits for the next thing that happens, and returns the choice that it happened to; null if nothing does in time.
     *
     * @throws ApiError if the model failed, or the server stops
     */
    Choice next(long nanos) throws InterruptedException {
        Event event = events.poll(nanos, TimeUnit.NANOSECONDS);
        if (event == null) {
            return null;
        }
        begun = true;
        Choice choice = choices.get(event.choice());
        switch (event) {
            case Read read -> choice.prompt(read.positions());
            case Token token when token.last() -> choice.endOfText(token.logprobs());
            case Token token -> {
                if (!choice.ended() && !choice.token(token.id(), token.logprobs())) {
                    sequences.get(event.choice()).cancel();
                }
            }
            case End end -> end(choice, end);
        }
        return choice;
    }

    private void end(Choice choice, End end) {
        ended[end.choice()] = true;
        running--;
        if (choice.ended()) {
            return; // at a stop string; the sequence was cancelled
        }
        if (end.error() != null) {
            System.getLogger(CompletionRun.class.getName()).log(System.Logger.Level.ERROR, "a request failed",
                    end.error());
            throw ApiError.server(500, null, end.error() instanceof UserError e ? e.getMessage()
                    : "this failed; the server's log says why");
        }
        if (end.end() == Generation.End.STOPPED) {
            throw ApiError.server(503, "stopping", "the server stopped before the text was complete");
        }
        choice.end(end.end() == Generation.End.END_OF_TEXT);
    }

    /** A part of a stream: what is new of a choice; null if nothing is. */
    String chunk(Choice choice) {
        JsonObject part = choice.take();
        if (part == null) {
            return null;
        }
        JsonArray parts = new JsonArray();
        parts.add(part);
        JsonObject o = envelope(parts);
        if (request.includeUsage()) {
            o.add("usage", JsonNull.INSTANCE);
        }
        return Json.line(o);
    }

    /** The last part of a stream. */
    String usageChunk() {
        JsonObject o = envelope(new JsonArray());
        o.add("usage", usage());
        return Json.line(o);
    }

    /** The whole answer. */
    String whole() {
        JsonArray all = new JsonArray();
        choices.forEach(choice -> all.add(choice.take()));
        JsonObject o = envelope(all);
        o.add("usage", usage());
        return Json.line(o);
    }

    private JsonObject envelope(JsonArray parts) {
        JsonObject o = new JsonObject();
        o.addProperty("id", id);
        o.addProperty("object", "text_completion");
        o.addProperty("created", created);
        o.addProperty("model", model.name());
        o.add("choices", parts);
        return o;
    }

    private JsonObject usage() {
        JsonObject o = new JsonObject();
        o.addProperty("prompt_tokens", promptTokens());
        o.addProperty("completion_tokens", newTokens());
        o.addProperty("total_tokens", promptTokens() + newTokens());
        return o;
    }

    /** Those of each prompt once, however many choices it has. */
    int promptTokens() {
        return request.prompts().stream().mapToInt(p -> p.ids().length).sum();
    }

    int newTokens() {
        return choices.stream().mapToInt(Choice::made).sum();
    }

    List<Choice> choices() {
        return choices;
    }

    @Override
    public void close() {
        for (int i = 0; i < sequences.size(); i++) {
            if (!ended[i]) {
                sequences.get(i).cancel();
            }
        }
    }
}
