from tests.doctor.examined import examined, figure


def test_lost_answers_are_settled() -> None:
    verdict = examined("F41", "tradestation")
    assert figure(verdict, "orders doubled") == figure(verdict, "told wrongly") == 0
    assert "12 of the orders existed" in verdict.text
