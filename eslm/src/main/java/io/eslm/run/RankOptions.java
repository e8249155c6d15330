// SPDX-License-Identifier: Apache-2.0
package io.eslm.run;

import io.eslm.gpt2.collective.Address;
import io.eslm.gpt2.collective.Rendezvous;
import io.eslm.gpt2.collective.Tls;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;

/**
 * Options of a process that shares the steps of a training with others: docs/scale.md. What is not given comes from the launcher's
 * environment variables: those of torchrun, Slurm and Open MPI.
 */
public final class RankOptions {
    /** Holds the secret, where no file does. */
    static final String SECRET = "ESLM_WORLD_SECRET";
    private static final int SHORTEST_SECRET = 16;
    private static final String USUAL_PORT = "29500";

    public static final Option<Integer> WORLD =
            Option.count("world", "processes that share the steps of the training, the ranks (docs/scale.md)")
                    .must("be at least 1", n -> n >= 1)
                    .defaultsTo("that of the launcher (torchrun, Slurm, Open MPI); one", _ -> null);
    public static final Option<Integer> RANK =
            Option.count("rank", "which of them this process is, from 0; rank 0 writes the folder of the run")
                    .must("be at least 0", n -> n >= 0).defaultsTo("that of the launcher; 0 of one", _ -> null);
    public static final Option<String> RENDEZVOUS =
            Option.text("rendezvous", "HOST:PORT", "where rank 0 waits for the others; unix:PATH on one host")
                    .defaultsTo("that of the launcher", _ -> null);
    public static final Option<Path> SECRET_FILE =
            Option.path("secret file", "FILE", "holds the secret that all ranks of the job know, of at least "
                    + SHORTEST_SECRET + " characters").defaultsTo("the variable " + SECRET, _ -> null);
    public static final Option<Integer> TIMEOUT =
            Option.count("world timeout", "seconds that a rank waits for another one before it gives up")
                    .must("be at least 1", n -> n >= 1).defaultsTo(1800);
    public static final Option<Integer> SILENCE =
            Option.count("world silence",
                    "seconds without a sign of life after which a rank counts as lost; rank 0's counts")
                    .must("be at least 1", n -> n >= 1).defaultsTo(60);

    public static final Option<Path> TLS_FILE = Option.path("tls file", "FILE",
            "PKCS#12 file with a key and certificates of the job, whose password is the secret: ranks encrypt what goes over a network")
            .defaultsTo("no encryption", _ -> null);

    private static final List<Option<?>> ALL =
            List.of(WORLD, RANK, RENDEZVOUS, SECRET_FILE, TLS_FILE, TIMEOUT, SILENCE);

    /** A launcher's variables. */
    private record Launcher(String rank, String world) {
        private boolean started(Map<String, String> environment) {
            return isNumber(environment.get(rank)) && isNumber(environment.get(world));
        }

        private static boolean isNumber(String text) {
            return text != null && text.matches("\\d{1,7}");
        }
    }

    private static final Launcher TORCHRUN = new Launcher("RANK", "WORLD_SIZE");
    private static final Launcher SLURM = new Launcher("SLURM_PROCID", "SLURM_NTASKS");
    private static final Launcher OPEN_MPI = new Launcher("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE");

    /**
     * The place of one process.
     *
     * @param rendezvous null for a world of one
     * @param tls null without TLS
     */
    record Place(int rank, int world, Address rendezvous, byte[] secret, Duration timeout, Duration silence,
            SSLContext tls) {
        RankPlace meeting() {
            return new RankPlace(rank, world, (program, notes) -> Rendezvous
                    .join(new Rendezvous.Member(rank, world, secret, program, timeout, silence, tls), rendezvous,
                            notes));
        }
    }

    private RankOptions() {
    }

    /** All options. */
    public static List<Option<?>> all() {
        return ALL;
    }

    /**
     * The options of a run that ranks share: they add the gradients of a step in order.
     *
     * @throws OptionError if another sum is asked for
     */
    static RunOptions ordered(RunOptions options) {
        OptionValues training = options.training();
        if (training.isSet(TrainOptions.ORDERED_SUM) && !training.get(TrainOptions.ORDERED_SUM)) {
            throw new OptionError(TrainOptions.ORDERED_SUM, false, "ranks need it. Omit the option");
        }
        return options.with(TrainOptions.ORDERED_SUM, true);
    }

    /**
     * The place of this process; empty if it trains by itself. Torchrun's variables say by themselves that there are ranks; the others'
     * count where an option says so, because they are set for single processes too.
     *
     * @throws OptionError if something is missing or does not fit
     */
    static Optional<Place> of(OptionValues own, Map<String, String> environment) {
        boolean asked = own.isSet(WORLD) || own.isSet(RANK) || own.isSet(RENDEZVOUS);
        boolean torchrun = TORCHRUN.started(environment) && environment.containsKey("MASTER_ADDR")
                && environment.containsKey("MASTER_PORT") && !environment.get(TORCHRUN.world).equals("1");
        if (!asked && !torchrun) {
            for (Option<?> option : List.of(SECRET_FILE, TLS_FILE, TIMEOUT, SILENCE)) {
                if (own.isSet(option)) {
                    throw new OptionError(option, own.find(option).orElse(null),
                            "is for a training of several ranks. Give "
                                    + WORLD + ", " + RANK + " and " + RENDEZVOUS + " too");
                }
            }
            return Optional.empty();
        }
        Optional<Launcher> launcher =
                List.of(TORCHRUN, SLURM, OPEN_MPI).stream().filter(l -> l.started(environment)).findFirst();
        int world = own.find(WORLD).or(() -> launcher.map(l -> Integer.valueOf(environment.get(l.world))))
                .orElseThrow(() -> new OptionError(WORLD, null, "must be given: the number of ranks"));
        int rank = own.find(RANK).or(() -> launcher.map(l -> Integer.valueOf(environment.get(l.rank))))
                .or(() -> world == 1 ? Optional.of(0) : Optional.empty())
                .orElseThrow(
                        () -> new OptionError(RANK, null, "must be given: each process has another rank, from 0 to "
                                + (world - 1)));
        if (rank >= world) {
            throw new OptionError(RANK, rank, "must be less than " + WORLD + " " + world);
        }
        Duration timeout = Duration.ofSeconds(own.get(TIMEOUT));
        Duration silence = Duration.ofSeconds(own.get(SILENCE));
        if (world == 1) {
            return Optional.of(new Place(rank, world, null, new byte[0], timeout, silence, null));
        }
        Address rendezvous = address(own, environment);
        byte[] secret = secret(own, environment);
        if (secret.length == 0 && !rendezvous.isLocal()) {
            throw new OptionError(SECRET_FILE, null, "must be given where ranks meet over a network (" + rendezvous
                    + "), or the variable " + SECRET + ": the same secret for all ranks, so that nobody else joins");
        }
        return Optional.of(new Place(rank, world, rendezvous, secret, timeout, silence, tls(own, secret)));
    }

    private static SSLContext tls(OptionValues own, byte[] secret) {
        Path file = own.find(TLS_FILE).orElse(null);
        if (file == null) {
            return null;
        }
        if (secret.length == 0) {
            throw new OptionError(SECRET_FILE, null,
                    "must be given with " + TLS_FILE + ": it is the password of that file");
        }
        return Tls.context(file, new String(secret, StandardCharsets.UTF_8).toCharArray());
    }

    private static Address address(OptionValues own, Map<String, String> environment) {
        String given = own.find(RENDEZVOUS).orElse(null);
        String text = given;
        if (text == null && environment.containsKey("MASTER_ADDR") && environment.containsKey("MASTER_PORT")) {
            text = environment.get("MASTER_ADDR") + ":" + port(environment);
        }
        if (text == null) {
            text = Optional.ofNullable(environment.getOrDefault("SLURM_STEP_NODELIST",
                    environment.get("SLURM_NODELIST"))).map(nodes -> firstNode(nodes) + ":" + USUAL_PORT).orElse(null);
        }
        if (text == null) {
            throw new OptionError(RENDEZVOUS, null, "must be given: HOST:PORT of rank 0, or unix:PATH on one host");
        }
        try {
            return Address.parse(text);
        } catch (UserError e) {
            throw new OptionError(RENDEZVOUS, text, e.getMessage().substring(text.length() + 2));
        }
    }

    /** Torchrun itself may listen at the port that it names; then the next one is the ranks'. */
    private static String port(Map<String, String> environment) {
        String port = environment.get("MASTER_PORT");
        boolean taken = "True".equalsIgnoreCase(environment.get("TORCHELASTIC_USE_AGENT_STORE"));
        return taken && port.matches("\\d{1,5}") ? String.valueOf(Integer.parseInt(port) + 1) : port;
    }

    /** The first of Slurm's list, such as {@code node[03-05,9],gpu1}. */
    static String firstNode(String nodes) {
        Matcher range = Pattern.compile("^([^,\\[]*)\\[([^,\\]-]+)[^\\]]*](.*?)(,.*)?$").matcher(nodes);
        return range.matches() ? range.group(1) + range.group(2) + range.group(3) : nodes.replaceFirst(",.*", "");
    }

    private static byte[] secret(OptionValues own, Map<String, String> environment) {
        Optional<Path> file = own.find(SECRET_FILE);
        String secret;
        try {
            secret = file.isPresent() ? Files.readString(file.get()).strip()
                    : environment.getOrDefault(SECRET, "").strip();
        } catch (IOException e) {
            throw FileErrors.failed("read", file.get(), e);
        }
        if ((file.isPresent() || !secret.isEmpty()) && secret.length() < SHORTEST_SECRET) {
            throw new OptionError(SECRET_FILE, file.map(Path::toString).orElse(null),
                    "the secret has " + secret.length()
                            + " characters, and needs at least " + SHORTEST_SECRET
                            + "; make one with: openssl rand -hex 32");
        }
        return secret.getBytes(StandardCharsets.UTF_8);
    }
}
