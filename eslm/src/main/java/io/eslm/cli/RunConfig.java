// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.report.Json;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.backend.Backend;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import picocli.CommandLine.Model.CommandSpec;

/** What a run's config.json says: enough to repeat it, and what it ran on. */
final class RunConfig {
    private RunConfig() {
    }

    static JsonObject of(CommandSpec command, MethodSpec method, String source, String initFrom, Gpt2 model,
            TrainOptions options, TokenData data) {
        JsonObject o = new JsonObject();
        o.addProperty("program", "eslm " + StandardOptions.Version.program());
        o.addProperty("started", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        JsonArray arguments = new JsonArray();
        command.commandLine().getParseResult().expandedArgs().forEach(arguments::add);
        o.add("arguments", arguments);
        o.addProperty("method", method.toString());
        o.addProperty("data", source);
        o.addProperty("init_from", initFrom);
        o.add("model", Json.of(model.config()));
        o.addProperty("parameters", model.parameterCount());
        o.add("options", Json.of(options));
        o.add("tokens", tokens(data));
        o.add("machine", machine(model.backend()));
        return o;
    }

    /** What there is to train and to evaluate on. */
    static JsonObject tokens(TokenData data) {
        JsonObject tokens = new JsonObject();
        tokens.addProperty("source", data.source());
        tokens.addProperty("tokenizer", data.tokenizer());
        tokens.addProperty("train", data.train().tokens().size());
        tokens.addProperty("held_out", data.val().map(set -> set.tokens().size()).orElse(0L));
        return tokens;
    }

    /** Where it runs. */
    static JsonObject machine(Backend backend) {
        JsonObject machine = new JsonObject();
        machine.addProperty("backend", backend.name());
        machine.addProperty("device", backend.description());
        machine.addProperty("cores", Runtime.getRuntime().availableProcessors());
        machine.addProperty("heap_gb", Math.round(Runtime.getRuntime().maxMemory() * 1e-8) / 10.0);
        machine.addProperty("java", Runtime.version().toString());
        machine.addProperty("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        return machine;
    }
}
