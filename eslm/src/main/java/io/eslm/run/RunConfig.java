// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.data.TokenData;
import io.eslm.report.RunLog;
import io.eslm.tensor.backend.Backend;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** The record of a run in {@value RunLog#CONFIG}: enough to repeat it, and the machine that it ran on. */
public final class RunConfig {
    private RunConfig() {
    }

    static JsonObject of(RunPlan plan, Backend backend, TokenData data) {
        JsonObject o = new JsonObject();
        o.addProperty("program", "eslm " + version());
        o.addProperty("commit", Provenance.programCommit());
        o.addProperty("started", plan.saved().map(saved -> saved.get("started").getAsString())
                .orElseGet(() -> Instant.now().truncatedTo(ChronoUnit.SECONDS).toString()));
        JsonArray arguments = new JsonArray();
        plan.arguments().forEach(arguments::add);
        o.add("arguments", arguments);
        o.addProperty("method", plan.method().toString());
        o.addProperty("data", plan.data());
        o.addProperty("init_from", plan.saved().map(saved -> saved.get("init_from").getAsString())
                .orElseGet(() -> plan.from().isEmpty() ? "scratch" : plan.from().get().toString()));
        o.add("model", plan.model().values().toJson());
        o.addProperty("parameters", plan.model().parameterCount());
        o.add("options", plan.options().values().toJson());
        o.add("tokens", tokens(data));
        o.add("machine", Provenance.machineOf(backend));
        plan.notes().forEach(o::addProperty);
        return o;
    }

    /** The program's version. */
    public static String version() {
        return Provenance.programVersion();
    }

    /** The sizes of the data to train and to evaluate on. */
    public static JsonObject tokens(TokenData data) {
        JsonObject tokens = new JsonObject();
        tokens.addProperty("source", data.source());
        tokens.addProperty("tokenizer", data.tokenizer());
        tokens.addProperty("train", data.train().tokens().size());
        tokens.addProperty("held_out", data.val().map(set -> set.tokens().size()).orElse(0L));
        return tokens;
    }
}
