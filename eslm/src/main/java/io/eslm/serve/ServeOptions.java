// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.web.HttpSite;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Where a server listens and what a request may ask of it.
 *
 * @param host a name or an address of this machine
 * @param port 0 for a free one
 * @param apiKeyFile holds the keys that clients may have, one a line; without one, no key is asked for
 * @param name of the model; empty for the name of its folder
 * @param maxBodyBytes of a request
 * @param maxTokens new tokens of a choice
 * @param maxChoices choices of a request: its prompts times n
 * @param maxRunning sequences that run at once
 * @param maxWaiting sequences that wait for their turn
 * @param cacheBytes of keys and values of all sequences; empty for as much as they may need, up to a bound
 * @param timeLimit of a request, from its arrival to its last token
 * @param grace how long requests may go on when the server stops
 */
public record ServeOptions(String host, int port, Optional<Path> apiKeyFile, Optional<String> name, int maxBodyBytes,
        int maxTokens, int maxChoices, int maxRunning, int maxWaiting, Optional<Long> cacheBytes, Duration timeLimit,
        Duration grace) {
    private static final OptionGroup.Builder ALL = new OptionGroup.Builder();
    private static final int MB = 1 << 20;

    public static final Option<Integer> PORT =
            ALL.add(Option.count("port", "port to serve on; 0: a free one, which is printed")
                    .must("be from 0 to 65535", n -> n >= 0 && n <= 65535).defaultsTo(8000));
    public static final Option<String> HOST = ALL.add(HttpSite.HOST);
    public static final Option<Path> API_KEY_FILE = ALL.add(Option.path("api key file", "FILE",
            "keys, one a line, of which a client must send one (Authorization: Bearer KEY)")
            .defaultsTo("no key is needed", _ -> null));
    public static final Option<String> MODEL_NAME =
            ALL.add(Option.text("model name", "NAME", "what clients call the model")
                    .must("not be empty", name -> !name.isBlank()).defaultsTo("the name of its folder", _ -> null));
    public static final Option<Integer> CACHE_MB = ALL.add(Option.count("cache mb",
            "memory for the keys and values of all sequences, in MB; sequences wait when it is full")
            .must("be at least 1", n -> n >= 1)
            .defaultsTo("enough for max running texts of full length, but at most 1024", _ -> null));
    public static final Option<Integer> MAX_RUNNING =
            ALL.add(Option.count("max running", "sequences that are computed at once")
                    .must("be from 1 to 1024", n -> n >= 1 && n <= 1024).defaultsTo(32));
    public static final Option<Integer> MAX_WAITING =
            ALL.add(Option.count("max waiting", "sequences that wait; a request beyond them gets status 429")
                    .must("be from 1 to 100000", n -> n >= 1 && n <= 100_000).defaultsTo(1024));
    public static final Option<Integer> MAX_TOKENS =
            ALL.add(Option.count("max tokens", "most new tokens that a request may ask for")
                    .must("be at least 1", n -> n >= 1).defaultsTo("the model's context", _ -> Integer.MAX_VALUE));
    public static final Option<Integer> MAX_CHOICES =
            ALL.add(Option.count("max choices", "most texts in one request: its prompts times n")
                    .must("be from 1 to 10000", n -> n >= 1 && n <= 10_000).defaultsTo(128));
    public static final Option<Integer> MAX_BODY_MB =
            ALL.add(Option.count("max body mb", "largest request, in MB")
                    .must("be from 1 to 64", n -> n >= 1 && n <= 64).defaultsTo(4));
    public static final Option<Integer> TIME_LIMIT =
            ALL.add(Option.count("time limit", "seconds after which a request is given up")
                    .must("be at least 1", n -> n >= 1).defaultsTo(600));
    public static final Option<Integer> GRACE =
            ALL.add(Option.count("grace", "seconds that requests may go on when the server is told to stop")
                    .must("be at least 0", n -> n >= 0).defaultsTo(10));

    /** All of them. */
    public static final OptionGroup GROUP = ALL.build("Serving");

    /** From values of {@link #GROUP}. */
    public static ServeOptions of(OptionValues values) {
        return new ServeOptions(values.get(HOST), values.get(PORT), values.find(API_KEY_FILE), values.find(MODEL_NAME),
                values.get(MAX_BODY_MB) * MB, values.get(MAX_TOKENS), values.get(MAX_CHOICES), values.get(MAX_RUNNING),
                values.get(MAX_WAITING), values.find(CACHE_MB).map(mb -> (long) mb * MB),
                Duration.ofSeconds(values.get(TIME_LIMIT)),
                Duration.ofSeconds(values.get(GRACE)));
    }
}
