// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.rules;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jdi.Bootstrap;
import com.sun.jdi.Method;
import com.sun.jdi.ReferenceType;
import com.sun.jdi.VMDisconnectedException;
import com.sun.jdi.VirtualMachine;
import com.sun.jdi.connect.Connector;
import com.sun.jdi.connect.LaunchingConnector;
import com.sun.jdi.event.BreakpointEvent;
import com.sun.jdi.event.ClassPrepareEvent;
import com.sun.jdi.event.Event;
import com.sun.jdi.event.EventSet;
import com.sun.jdi.request.ClassPrepareRequest;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The reading list of a training step in docs/architecture.md names every file that a step runs, with its lines. */
class ReadingListTest {
    private static final Path DOCS = Path.of("").toAbsolutePath().getParent().resolve("docs");

    private static String section;

    /**
     * What the other JVM runs: two steps of plain training on the scalar backend, of which the test looks at the second, between
     * {@link #begin} and {@link #end}. Its argument is a folder with train.bin.
     */
    static final class Step {
        private Step() {
        }

        static void begin() {
            // the test stops here
        }

        static void end() {
            // and here
        }

        public static void main(String[] args) {
            try (Backend backend = Backends.open("scalar", 1)) {
                Gpt2Config config = Gpt2Config.of(1, 2, 4, 8).with(Gpt2Config.VOCAB_SIZE, 2);
                try (Trainer trainer =
                        new Trainer(new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1))),
                                new Objective.Mean(), TokenData.open(Path.of(args[0])),
                                TrainOptions.defaults().with(TrainOptions.BATCH_SIZE, 2), _ -> {
                                })) {
                    trainer.oneStep();
                    begin();
                    trainer.oneStep();
                    end();
                }
            }
        }
    }

    @BeforeAll
    static void read() throws IOException {
        String text = Files.readString(DOCS.resolve("architecture.md"));
        int begin = text.indexOf("## Read a training step");
        section = text.substring(begin, text.indexOf("\n## ", begin));
    }

    private static List<MatchResult> listed() {
        return Pattern.compile("(?m)^- \\[(\\w+)]\\((\\S+)\\) (\\d+)").matcher(section).results().toList();
    }

    @Test
    void namesAndLinesAreTrue() throws IOException {
        int lines = 0;
        for (MatchResult file : listed()) {
            Path path = DOCS.resolve(file.group(2));
            assertTrue(Files.exists(path), path + " does not exist");
            assertEquals(file.group(1) + ".java", path.getFileName().toString());
            try (var all = Files.lines(path)) {
                assertEquals(all.count(), Integer.parseInt(file.group(3)), "lines of " + file.group(1));
            }
            lines += Integer.parseInt(file.group(3));
        }
        String total = String.format(Locale.ROOT, "%d files, %,d lines", listed().size(), lines);
        assertTrue(section.contains(total), "the list has " + total);
    }

    @Test
    void aStepRunsNothingElse(@TempDir Path dir) throws Exception {
        Files.write(dir.resolve("train.bin"), new byte[2 * 2000]);
        Set<String> run = run(dir);
        Set<String> known = listed().stream().map(m -> m.group(1)).collect(Collectors.toCollection(TreeSet::new));
        List<String> unread = new ArrayList<>(known);
        unread.removeAll(run);
        assertEquals(List.of(), unread, "listed, but no step runs it");
        Set<String> skipped =
                Pattern.compile("`(\\w+)`").matcher(section.substring(section.indexOf("Skip on a first read")))
                        .results().map(m -> m.group(1)).collect(Collectors.toCollection(TreeSet::new));
        Set<String> unknown = new TreeSet<>(run);
        unknown.removeAll(known);
        unknown.removeAll(skipped);
        assertEquals(Set.of(), unknown, "a step runs it, but docs/architecture.md names it nowhere");
        skipped.removeAll(run);
        assertEquals(Set.of(), skipped, "to be skipped, but no step runs it");
    }

    /** The files with code that a step runs, by name: a debugger puts breakpoints at the begin of every method of ours. */
    private static Set<String> run(Path dir) throws Exception {
        LaunchingConnector connector = Bootstrap.virtualMachineManager().defaultConnector();
        Map<String, Connector.Argument> arguments = connector.defaultArguments();
        arguments.get("home").setValue(System.getProperty("java.home"));
        arguments.get("options").setValue("--add-modules=jdk.incubator.vector -cp \""
                + System.getProperty("java.class.path") + "\"");
        arguments.get("main").setValue(Step.class.getName() + " \"" + dir + "\"");
        VirtualMachine vm = connector.launch(arguments);
        try {
            ClassPrepareRequest prepare = vm.eventRequestManager().createClassPrepareRequest();
            prepare.addClassFilter(Step.class.getName());
            prepare.enable();
            Set<String> classes = new TreeSet<>();
            while (true) {
                EventSet events = vm.eventQueue().remove();
                for (Event event : events) {
                    if (event instanceof ClassPrepareEvent e) {
                        stopAtMethods(e.referenceType());
                    } else if (event instanceof BreakpointEvent e) {
                        Method method = e.location().method();
                        if (!method.declaringType().name().equals(Step.class.getName())) {
                            classes.add(method.declaringType().name());
                            vm.eventRequestManager().deleteEventRequests(vm.eventRequestManager().breakpointRequests()
                                    .stream().filter(r -> r.location().declaringType().equals(method.declaringType()))
                                    .toList());
                        } else if (method.name().equals("begin")) {
                            vm.allClasses().stream().filter(c -> c.name().startsWith("io.eslm.")
                                    && !c.name().startsWith("io.eslm.bench.")).forEach(ReadingListTest::stopAtMethods);
                        } else if (method.name().equals("end")) {
                            return files(classes);
                        }
                    }
                }
                events.resume();
            }
        } catch (VMDisconnectedException e) {
            throw new AssertionError(new String(vm.process().getErrorStream().readAllBytes(), UTF_8), e);
        } finally {
            vm.process().destroyForcibly();
        }
    }

    private static void stopAtMethods(ReferenceType type) {
        type.methods().stream().filter(m -> !m.isAbstract() && !m.isNative())
                .forEach(m -> type.virtualMachine().eventRequestManager().createBreakpointRequest(m.location())
                        .enable());
    }

    private static Set<String> files(Set<String> classes) {
        return classes.stream().map(name -> name.replaceAll("\\$.*", ""))
                .map(name -> name.substring(name.lastIndexOf('.') + 1))
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
