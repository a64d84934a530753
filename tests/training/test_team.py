"""Two processes train as one: shares of a batch, averaged gradients, one decision to stop."""

import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F

from engine.errors import DataError
from engine.training import team as teams
from engine.training.optimizer import Muon, orthogonalised
from engine.training.team import Team, join_team, own_device


def started(rank, port, work, results):
    """Enter a process of a team of two as torchrun would start it."""
    import os

    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": str(port)}
    results[rank] = work(join_team(torch.device("cpu")))


def in_team(work) -> list:
    """What `work` returned in each of two processes."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.get_context("spawn")
    with context.Manager() as manager:
        results = manager.dict()
        mp.start_processes(started, (port, work, results), nprocs=2, start_method="spawn")
        return [results[0], results[1]]


def averages(team: Team):
    weight, unused, second = (torch.zeros(n, requires_grad=True) for n in (3, 2, 1))
    (weight * torch.tensor([1.0, 2.0, 3.0]) * (team.rank + 1)).sum().backward()
    if team.rank == 1:
        second.sum().backward()
    stop = team.average([weight, unused, second], stop=team.rank == 1)
    return (weight.grad.tolist(), unused.grad, second.grad.tolist(), stop,
            team.average([weight], stop=False))


def test_gradients_are_averaged_and_one_wish_to_stop_is_everybodys():
    one, two = in_team(averages)
    assert one == two == ([1.5, 3.0, 4.5], None, [0.5], True, False)


def learn(team: Team):
    """Fit a linear map on one's share of a batch of six."""
    generator = torch.Generator().manual_seed(1)
    inputs, wanted = torch.randn(6, 4, generator=generator), torch.randn(6, 3, generator=generator)
    weights = [torch.ones(3, 4).requires_grad_() for _ in range(3)]
    optimizer = Muon(weights, team=team)
    own = slice(team.rank, None, team.size)
    for _ in range(3):
        sum(F.mse_loss(inputs[own] @ w.T, wanted[own]) for w in weights).backward()
        team.average(weights, stop=False)
        optimizer.step()
        optimizer.zero_grad()
    return torch.stack([w.detach() for w in weights]).tolist()


def leave(team: Team):
    """Train beside a weight that no step uses."""
    used, unused = torch.ones(3, 4).requires_grad_(), torch.ones(3, 4).requires_grad_()
    optimizer = Muon([used, unused], weight_decay=0.5, team=team)
    used.sum().backward()
    team.average([used, unused], stop=False)
    optimizer.step()
    return used.tolist(), unused.tolist()


def test_a_team_decays_nothing_that_no_clip_used():
    (used, unused), (same, also) = in_team(leave)
    assert unused == also == torch.ones(3, 4).tolist()
    assert used == same != unused


def test_a_team_learns_what_one_process_would():
    one, two = (torch.tensor(w) for w in in_team(learn))
    assert torch.equal(one, two)
    torch.testing.assert_close(one, torch.tensor(learn(Team())), atol=1e-5, rtol=0)


def uneven(team: Team):
    items = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(2))
    single = items[:1]
    return [torch.equal(team.split(orthogonalised, x), orthogonalised(x)) or
            (team.split(orthogonalised, x) - orthogonalised(x)).abs().max().item()
            for x in (items, single)]


def test_uneven_shares_give_the_whole_result():
    for results in in_team(uneven):
        assert all(r is True or r < 1e-5 for r in results)


def test_one_process_alone_is_a_team_of_one(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    team = join_team(torch.device("cpu"))
    assert team == Team() and team.leads and team.average([], stop=True) is True


def test_each_process_has_a_gpu_of_its_own_and_they_speak_by_nccl(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert own_device("cuda") == "cuda"
    asked = []
    monkeypatch.setattr(teams.torch.cuda, "set_device", lambda device: asked.append(str(device)))
    monkeypatch.setattr(teams.dist, "init_process_group",
                        lambda backend, timeout: asked.append(backend))
    monkeypatch.setattr(teams.dist, "get_rank", lambda: 5)
    monkeypatch.setattr(teams.dist, "get_world_size", lambda: 8)
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert own_device("cuda") == "cuda:1" and own_device("cpu") == "cpu"
    assert join_team(torch.device(own_device("cuda"))) == Team(5, 8)
    assert asked == ["cuda:1", "nccl"]
    with pytest.raises(DataError, match="together on cpu or cuda, not on mps"):
        join_team(torch.device("mps"))
