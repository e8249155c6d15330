// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import io.eslm.tensor.backend.BackendProvider;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** What a machine could compute with beside Java: what is there, and how to get the rest. */
final class Surroundings {
    /**
     * One thing.
     *
     * @param what version or file if it is there; else how to get it
     */
    record Thing(String name, boolean found, String what) {
    }

    private static final Path OPENCL = Path.of("/etc/OpenCL/vendors");
    private static final List<String> CUBLAS =
            List.of("libcublas.so.13", "libcublas.so.12", "cublas64_13.dll", "cublas64_12.dll");

    private Surroundings() {
    }

    /** Of this machine, with the peers that were found. */
    static List<Thing> here(Nvml nvml, List<Blas> libraries) {
        List<Thing> all = new ArrayList<>();
        for (BackendProvider provider : Backends.all()) {
            String why = provider.unusableBecause();
            if (!provider.devices().isEmpty() || why != null) {
                all.add(new Thing(name(provider), why == null,
                        why == null ? String.join("; ", provider.devices()) : why));
            }
        }
        all.add(openCl(OPENCL));
        all.add(gpu(nvml, Path.of("/dev")));
        all.add(Native.find(CUBLAS).map(l -> new Thing("cuBLAS", true, l.file())).orElse(new Thing("cuBLAS", false,
                "needs an NVIDIA GPU. It comes with the CUDA toolkit 12 or 13 (developer.nvidia.com/cuda-downloads) and with "
                        + "PyTorch; put its folder into LD_LIBRARY_PATH")));
        all.addAll(blas(libraries));
        all.add(onClassPath("ND4J", "org.nd4j.linalg.factory.Nd4j", Surroundings::isThere));
        all.add(onClassPath("DJL", "ai.djl.engine.Engine", Surroundings::isThere));
        return all;
    }

    private static String name(BackendProvider provider) {
        return provider.name().equals("tornado") ? "TornadoVM" : "backend " + provider.name();
    }

    /** Drivers of OpenCL, which name themselves in a folder. */
    static Thing openCl(Path vendors) {
        List<String> files = list(vendors, f -> f.endsWith(".icd"));
        boolean pocl = files.stream().anyMatch(f -> f.contains("pocl"));
        return files.isEmpty()
                ? new Thing("OpenCL", false, "no driver. PoCL runs it on the processor: apt install pocl-opencl-icd; "
                        + "a GPU's driver brings its own")
                : new Thing("OpenCL", true, String.join(" ", files) + (pocl ? "" : " (without PoCL, which runs on the "
                        + "processor: apt install pocl-opencl-icd)"));
    }

    /** A GPU: by NVIDIA's library, or as a file of devices. */
    static Thing gpu(Nvml nvml, Path devices) {
        if (!nvml.gpus().isEmpty()) {
            return new Thing("GPU", true, String.join(", ", nvml.gpus()) + "; driver " + nvml.driver());
        }
        List<String> files = list(devices, f -> f.matches("nvidia\\d+|kfd"));
        List<String> render = list(devices.resolve("dri"), f -> f.startsWith("renderD"));
        if (files.isEmpty() && render.isEmpty()) {
            return new Thing("GPU", false, "none that a driver shows; install the driver of yours");
        }
        files.addAll(render);
        return new Thing("GPU", true,
                String.join(" ", files) + "; a driver that is not NVIDIA's tells neither name nor energy");
    }

    private static List<Thing> blas(List<Blas> libraries) {
        return libraries.isEmpty()
                ? List.of(new Thing("BLAS", false,
                        "no OpenBLAS, MKL, BLIS or other library with cblas_sgemm, as a peer "
                                + "for products: apt install libopenblas0-pthread"))
                : libraries.stream().map(l -> new Thing(l.name(), true, l.description())).toList();
    }

    /** A library of Java, which is looked for and not timed. */
    static Thing onClassPath(String name, String type, Predicate<String> isThere) {
        boolean found = isThere.test(type);
        return new Thing(name, found,
                found ? "on the class path; not timed" : "not on the class path; nothing needs it");
    }

    private static boolean isThere(String type) {
        try {
            Class.forName(type, false, Surroundings.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError _) {
            return false;
        }
    }

    private static List<String> list(Path folder, Predicate<String> wanted) {
        try (Stream<Path> files = Files.list(folder)) {
            return new ArrayList<>(files.map(f -> f.getFileName().toString()).filter(wanted).sorted().toList());
        } catch (IOException _) {
            return new ArrayList<>(); // there is no such folder
        }
    }
}
