// Groups of parameters against PyTorch's param_groups (tests/goldens/optim.py), which parameters a group means, and what is said of one that means
// none.
#include <dcs/optim/any_optimizer.hpp>
#include <dcs/optim/ema.hpp>

#include "../ops/check_op.hpp"

#include <doctest/doctest.h>

using namespace dcs;

namespace {

struct encoder_part {
  parameter<shape<3, 5>> weight;
  parameter<shape<5>> bias;
  buffer<shape<5>> running;
  DCS_MEMBERS(weight, bias, running)
};
struct head_part {
  parameter<shape<5, 2>> weight;
  parameter<shape<4>, init::ones> norm;
  DCS_MEMBERS(weight, norm)
};
struct net {
  encoder_part encoder;
  head_part head;
  DCS_MEMBERS(encoder, head)
};

// An encoder at a tenth of the rate whose weights have a decay of 0.2; no decay on norms and biases.
const std::vector<parameter_group> groups{{.prefix = "encoder.", .rate_scale = 0.1, .weight_decay = 0.2}, no_decay_of_norms_and_biases()};

template <class T>
void set_gradients(net& n, const io::safetensors& file, std::size_t step) {
  for (const auto& [name, p] : named_parameters(n)) {
    if (p->is_buffer()) continue;
    const auto all = file.at("groups/" + name + "/gradients").template as<double>();
    const auto count = static_cast<std::size_t>(p->size());
    const storage g = storage::allocate<cpu_device>(static_cast<extent_t>(count * sizeof(T)));
    for (std::size_t i = 0; i < count; ++i) static_cast<T*>(g.data())[i] = static_cast<T>(all[step * count + i]);
    p->set_gradient(g);
  }
}
template <class T>
std::vector<T> values_of(const parameter_base& p) {
  return {p.data<T>(), p.data<T>() + p.size()};
}

// Six steps, at half the rate from the fourth; after the second a new optimiser goes on with what the first has saved.
template <class T, class Optimizer, class Options>
void check_golden(const std::string& name, const Options& o) {
  CAPTURE(name);
  const auto file = test::goldens("optim");
  net n;
  initialize<T>(n, 1);
  for (const auto& [key, p] : named_parameters(n)) {
    if (p->is_buffer()) continue;
    const auto start = file.at("groups/" + key + "/start").template as<double>();
    for (std::size_t i = 0; i < start.size(); ++i) p->template data<T>()[i] = static_cast<T>(start[i]);
  }
  auto optimizer = std::make_unique<Optimizer>(named_parameters(n), o);
  for (std::size_t step = 0; step < 6; ++step) {
    if (step == 3) optimizer->options.rate *= 0.5;
    set_gradients<T>(n, file, step);
    optimizer->step();
    if (step != 1) continue;
    io::safetensors saved;
    optimizer->save(saved);
    optimizer = std::make_unique<Optimizer>(named_parameters(n), o);
    optimizer->load(saved);
  }
  for (const named_parameter& entry : named_parameters(n)) {
    if (entry.parameter->is_buffer()) continue;
    CAPTURE(entry.name);
    const auto wanted = file.at("groups/" + entry.name + "/" + name).template as<double>();
    CHECK(test::relative_error(values_of<T>(*entry.parameter), wanted) < test::tolerance<T>);
  }
}

sgd_options for_sgd() { return {.rate = 0.1, .momentum = 0.8, .weight_decay = 0.05, .nesterov = true, .groups = groups}; }
adamw_options for_adamw() { return {.rate = 0.1, .weight_decay = 0.05, .groups = groups}; }

template <class Optimizer, class Options>
void says(Options o, std::vector<parameter_group> wrong, const char* text) {
  net n;
  o.groups = std::move(wrong);
  CHECK_THROWS_WITH_AS(Optimizer(named_parameters(n), o), doctest::Contains(text), error);
}

}  // namespace

TEST_CASE("groups are PyTorch's param_groups: rates, weight decays, a schedule, a resumed run") {
  test::for_each_isa([] {
    check_golden<double, sgd>("sgd", for_sgd()), check_golden<float, sgd>("sgd", for_sgd());
    check_golden<double, adamw>("adamw", for_adamw()), check_golden<float, adamw>("adamw", for_adamw());
  });
}

TEST_CASE("an optimiser that is chosen by name has its groups") {
  any_optimizer_options o;
  o.rate = 0.1, o.weight_decay = 0.05, o.groups = groups;
  check_golden<double, any_optimizer<cpu_device>>("adamw", o);
  o.name = "sgd", o.momentum = 0.8, o.nesterov = true;
  check_golden<double, any_optimizer<cpu_device>>("sgd", o);
}

TEST_CASE("a group that changes nothing keeps every bit; one of rate 0 keeps its parameters, not those of others") {
  const auto file = test::goldens("optim");
  net plain, grouped, frozen;
  adamw_options o{.rate = 0.1, .weight_decay = 0.05};
  for (net* n : {&plain, &grouped, &frozen}) {
    initialize(*n, 7);
    for (const auto& [name, p] : named_parameters(*n))
      for (extent_t i = 0; i < p->size(); ++i) p->data<float>()[i] = static_cast<float>(i + 1) / 8;
  }
  adamw a(named_parameters(plain), o);
  o.groups = {{}, {.prefix = "head.", .weight_decay = 0.05}};
  adamw b(named_parameters(grouped), o);
  o.groups = {{.prefix = prefix_of(frozen, frozen.encoder), .rate_scale = 0}};
  adamw c(named_parameters(frozen), o);
  const auto before = values_of<float>(frozen.encoder.weight);
  for (std::size_t step = 0; step < 3; ++step) {
    set_gradients<float>(plain, file, step), set_gradients<float>(grouped, file, step), set_gradients<float>(frozen, file, step);
    CHECK(a.step() == b.step());
    c.step();
  }
  CHECK(values_of<float>(plain.head.weight) == values_of<float>(grouped.head.weight));
  CHECK(values_of<float>(plain.encoder.bias) == values_of<float>(grouped.encoder.bias));
  CHECK(values_of<float>(frozen.encoder.weight) == before);
  CHECK(values_of<float>(frozen.head.weight) == values_of<float>(plain.head.weight));
}

TEST_CASE("groups are no part of a checkpoint: what an optimiser without them has saved is loaded, and has the same names") {
  const auto file = test::goldens("optim");
  net n;
  initialize(n, 1);
  adamw with(named_parameters(n), for_adamw()), without(named_parameters(n), {});
  set_gradients<float>(n, file, 0);
  with.step(), without.step();
  io::safetensors a, b;
  with.save(a), without.save(b);
  CHECK(a.metadata == b.metadata);
  CHECK(a.tensors.size() == b.tensors.size());
  for (const auto& [name, t] : a.tensors) CHECK(b.contains(name));
  with.load(b);
}

TEST_CASE("averages follow every group's weights alike") {
  const auto file = test::goldens("optim");
  net n;
  initialize(n, 3);
  adamw optimizer(named_parameters(n), for_adamw());
  ema average(named_parameters(n), 0.0);
  set_gradients<float>(n, file, 0);
  optimizer.step();
  average.update();
  const auto moved = values_of<float>(n.encoder.weight), norm = values_of<float>(n.head.norm);
  const averaged_weights<cpu_device> in_place(average);
  CHECK(values_of<float>(n.encoder.weight) == moved);
  CHECK(values_of<float>(n.head.norm) == norm);
}

TEST_CASE("a group that means no trained parameter, and numbers outside their range, are said") {
  says<adamw>(
      for_adamw(), {{.prefix = "backbone.", .rate_scale = 0.1}},
      "dcs::adamw: the group of parameters whose names begin with backbone. matches none of 4 trained parameters; expected at least one of them: "
      "encoder.weight, encoder.bias, head.weight, head.norm");
  says<sgd>(for_sgd(), {{.prefix = "encoder.running"}}, "dcs::sgd: the group of parameters whose names begin with encoder.running matches none");
  says<sgd>(for_sgd(), {{}, {.prefix = "head.w", .kind = parameter_kind::norms_and_biases}},
            "the group of norms and biases whose names begin with head.w");
  says<adamw>(for_adamw(), {{.kind = parameter_kind::weights, .rate_scale = -1}},
              "the group of weights has rate_scale -1.000000; expected a number from 0");
  says<adamw>(for_adamw(), {{.weight_decay = std::nan("")}}, "dcs::adamw: the group of parameters has weight_decay nan");
}

TEST_CASE("the names of a part begin as its prefix says") {
  net n;
  CHECK(prefix_of(n, n.encoder) == "encoder.");
  CHECK(prefix_of(n, n) == "");
  CHECK(prefix_of(n, n.head.norm) == "head.norm");
  net other;
  CHECK_THROWS_WITH_AS(prefix_of(n, other.head), doctest::Contains("the part's first parameter, weight, is none of the network's"), error);
}
